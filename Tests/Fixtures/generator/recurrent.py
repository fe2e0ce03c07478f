"""Recurrent cells that are one op."""
import numpy as np

from .core import case

TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}


def cases():
    lstm_cells()
    lstm_sequences()
    gru_cells()


def numbers(*shape):
    return np.random.normal(0, 1, shape).astype(np.float32)


def lstm(batch, inputs, cells):
    """cs_prev, h_prev, w, wci, wcf, wco and b."""
    return [numbers(batch, cells), numbers(batch, cells), numbers(inputs + cells, 4 * cells), numbers(cells), numbers(cells),
            numbers(cells), numbers(4 * cells)]


def lstm_cells():
    attributes = [{}, {"use_peephole": True}, {"forget_bias": 0.0}, {"cell_clip": 0.5}, {"cell_clip": -1.0},
                  {"cell_clip": 0.7, "use_peephole": True, "forget_bias": 2.0}]
    for attrs in attributes:
        case("LSTMBlockCell", [numbers(2, 3), *lstm(2, 3, 4)], attrs, label=f"{attrs}", **TOLERANCE)
    case("LSTMBlockCell", [numbers(1, 1), *lstm(1, 1, 1)], label="one of all", **TOLERANCE)
    case("LSTMBlockCell", [numbers(3, 2), *lstm(3, 2, 17)], {"use_peephole": True}, label="17 cells", **TOLERANCE)
    unused = lstm(2, 3, 4)
    unused[3:6] = [np.zeros([0], np.float32)] * 3
    case("LSTMBlockCell", [numbers(2, 3), *unused], label="no peepholes", **TOLERANCE)
    for index, shape in enumerate(([1, 4], [2, 3], [6, 16], [1, 4], [1, 4], [1, 4], [15])):
        wrong = lstm(2, 3, 4)
        wrong[index] = numbers(*shape)
        case("LSTMBlockCell", [numbers(2, 3), *wrong], label=f"refused: input {index + 1}")


def lstm_sequences():
    def sequence(op, steps, length, label, sizes=(2, 3, 4), **attrs):
        """Steps that are not taken are zero; TensorFlow leaves some as they are in memory."""
        batch, inputs, cells = sizes
        taken = lambda outputs: [np.concatenate([o[:length], np.zeros_like(o[length:])]) for o in outputs]
        case(op, [np.array(length, np.int64), numbers(steps, batch, inputs), *lstm(batch, inputs, cells)], attrs, label=label,
             unset=taken, rtol=1e-4, atol=1e-5)

    for op in ("BlockLSTM", "BlockLSTMV2"):
        for steps, length in ((1, 1), (4, 4), (4, 2), (3, 0), (0, 0)):
            sequence(op, steps, length, f"{length} of {steps} steps")
        sequence(op, 4, 3, "peepholes", use_peephole=True)
        sequence(op, 4, 3, "clipped", cell_clip=0.5)
        sequence(op, 4, 3, "not clipped", cell_clip=0.0)
        sequence(op, 2, 2, "17 cells", sizes=(3, 2, 17))
        case(op, [np.array([2], np.int64), numbers(4, 2, 3), *lstm(2, 3, 4)], label="refused: a vector of lengths")
        case(op, [np.array(2, np.int64), numbers(2, 3), *lstm(2, 3, 4)], label="refused: rank of x")
        wrong = lstm(2, 3, 4)
        wrong[2] = numbers(6, 16)
        case(op, [np.array(2, np.int64), numbers(4, 2, 3), *wrong], label="refused: weights")
    sequence("BlockLSTM", 4, 4, "no forget bias", forget_bias=0.0)


def gru_cells():
    def gru(batch, inputs, cells):
        return [numbers(batch, inputs), numbers(batch, cells), numbers(inputs + cells, 2 * cells), numbers(inputs + cells, cells),
                numbers(2 * cells), numbers(cells)]

    for sizes in ((1, 1, 1), (2, 3, 4), (3, 2, 17), (0, 3, 4)):
        case("GRUBlockCell", gru(*sizes), label=f"{sizes}", **TOLERANCE)
    for index, shape in enumerate(([3], [1, 4], [6, 8], [7, 5], [7], [5])):
        wrong = gru(2, 3, 4)
        wrong[index] = numbers(*shape)
        case("GRUBlockCell", wrong, label=f"refused: input {index}")
