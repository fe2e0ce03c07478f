"""The steps of which differential.py makes random graphs: a mixin of its Maker for each family of ops."""
