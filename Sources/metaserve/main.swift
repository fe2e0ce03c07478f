print("Being written.")
