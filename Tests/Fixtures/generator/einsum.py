"""Sums of products over labelled axes."""
import numpy as np
import tensorflow as tf

from .batch_matmul import near, numbers
from .core import case

DTYPES = (np.float32, np.float64, np.int32, np.int64, np.complex64, np.complex128)

# Equation and shapes.
RUNS = [
    ("ij->ji", [2, 3]), ("ij->ij", [2, 3]), ("ii->i", [3, 3]), ("ii->", [3, 3]), ("i->ii", [3]), ("ij->", [2, 3]), ("ij->i", [2, 3]), ("ij->j", [2, 3]),
    ("ijk->kij", [2, 3, 4]), ("iijj->ij", [2, 2, 3, 3]), ("iij->ji", [2, 2, 3]), ("ij->jij", [2, 3]), ("->", []), ("i->", [0]), ("ij->j", [0, 3]),
    ("iji->j", [3, 2, 3]), ("ijj->jii", [2, 3, 3]), ("abcd->dbca", [2, 3, 4, 2]), ("...->...", [2, 3]), ("a...->...a", [2, 3, 4]), ("...a->...", [2, 3, 4]),
    ("...ii->...i", [2, 3, 3]), ("a...b->b...", [2, 3]), ("a...->a...", [2]), ("i...->i", [2]), ("Ab->bA", [2, 3]),
    ("ij,jk->ik", [2, 3], [3, 4]), ("ij,jk->ki", [2, 3], [3, 4]), ("ij,kj->ik", [2, 3], [4, 3]), ("ji,jk->ik", [3, 2], [3, 4]), ("ji,kj->ik", [3, 2], [4, 3]),
    ("i,i->", [3], [3]), ("i,j->ij", [3], [4]), ("i,j->ji", [3], [4]), ("i,i->i", [3], [3]), (",->", [], []), ("i,->i", [3], []), (",ij->ji", [], [2, 3]),
    ("bij,bjk->bik", [2, 3, 4], [2, 4, 5]), ("bij,bkj->bik", [2, 3, 4], [2, 5, 4]), ("bij,jk->bik", [2, 3, 4], [4, 5]), ("ij,bjk->bik", [3, 4], [2, 4, 5]),
    ("bij,bjk->kib", [2, 3, 4], [2, 4, 5]), ("abij,abjk->abik", [2, 2, 3, 4], [2, 2, 4, 2]), ("btnh,bsnh->bnts", [2, 3, 2, 4], [2, 5, 2, 4]),
    ("bnts,bsnh->btnh", [2, 2, 3, 5], [2, 5, 2, 4]), ("btd,dnh->btnh", [2, 3, 4], [4, 2, 3]), ("btnh,nhd->btd", [2, 3, 2, 4], [2, 4, 5]),
    ("ij,ij->", [2, 3], [2, 3]), ("ij,ij->ij", [2, 3], [2, 3]), ("ij,kl->", [2, 3], [4, 2]), ("ij,kl->il", [2, 3], [4, 2]), ("ijk,jl->il", [2, 3, 4], [3, 5]),
    ("ii,ij->j", [3, 3], [3, 2]), ("iij,jkk->ik", [2, 2, 3], [3, 4, 4]), ("ij,jk->iik", [2, 3], [3, 4]), ("ij,j->i", [2, 3], [3]), ("i,ij->j", [2], [2, 3]),
    ("ij,jk->ik", [0, 3], [3, 4]), ("ij,jk->ik", [2, 0], [0, 4]), ("ij,jk->ik", [2, 3], [3, 0]), ("bij,bjk->bik", [0, 3, 4], [0, 4, 5]),
    ("...ij,...jk->...ik", [2, 3, 4], [2, 4, 5]), ("...ij,...jk->...ik", [3, 4], [2, 4, 5]), ("...ij,...jk->...ik", [2, 1, 3, 4], [3, 4, 5]),
    ("...ij,jk->...ik", [2, 3, 4], [4, 5]), ("i...,...i->...", [3, 2], [2, 3]), ("...i,...i->...", [1, 3], [4, 3]), ("...,...->...", [2, 1], [3]),
    ("a...b,b...c->c...a", [2, 3, 4], [4, 3, 5]), ("...a,...b->ab...", [2, 3], [2, 4]), ("...ij,...jk->ik", [3, 4], [4, 2]),
    ("abc,cd->abd", [2, 3, 4], [4, 2]), ("abcd,cde->abe", [2, 3, 2, 4], [2, 4, 3]), ("ijkl,klm->mji", [2, 3, 2, 2], [2, 2, 3]), ("bi,bj->bij", [2, 3], [2, 4]),
    ("ab,cd->abcd", [2, 2], [2, 3]), ("abc,abd->dc", [2, 3, 2], [2, 3, 4]), ("abc,abd->", [2, 3, 2], [2, 3, 4]),
]
REFUSED = [
    ("ij,jk->ik", [2, 3], [4, 5]), ("ij->ji", [2, 3, 4]), ("ij->k", [2, 3]), ("ii->i", [2, 3]), ("ij,jk", [2, 3], [3, 4]), ("ij->ij->", [2, 3]), ("i1->i", [2, 3]),
    ("i.j->ij", [2, 3]), ("......->...", [2, 3]), ("...ij->...", [2]), ("ij->...ij", [2, 3]), ("...i,...i->...", [2, 3], [4, 3]), ("ij->", [2], ), ("i j->ji", [2, 3]),
    ("...ij->ij", [2, 3, 4]), ("...ij,...jk->ik", [2, 3, 4], [2, 4, 2]), ("", []), ("a...b...->ab", [2, 3]), ("ij,jk->ik", [2, 3]), ("ij,j,k->ik", [2, 3], [3]),
]


def cases():
    for equation, *shapes in RUNS:
        for dtype in DTYPES if len(equation) <= 12 else (np.float32, np.complex128):
            case("Einsum", [[numbers(shape, dtype) for shape in shapes]], {"equation": equation}, label=f"{equation} {np.dtype(dtype).name}", **near(dtype))
    for dtype in (np.float16, tf.bfloat16.as_numpy_dtype):
        for equation, *shapes in (RUNS[0], RUNS[5], ("ij,jk->ik", [2, 3], [3, 4]), ("bij,bjk->kib", [2, 3, 4], [2, 4, 5])):
            case("Einsum", [[numbers(shape, dtype) for shape in shapes]], {"equation": equation}, label=f"{equation} {np.dtype(dtype).name}", rtol=2e-2, atol=2e-2)
    for equation, *shapes in REFUSED:
        case("Einsum", [[numbers(shape, np.float32) for shape in shapes]], {"equation": equation}, label=f"{equation} {shapes}", **near(np.float32))
