"""Trains and saves as people do, for the fault tests: live_writer.py FOLDER FORMAT SAVES PAUSE KILLS.

Saves the model of generator/saves.py SAVES times with a tf.train.Saver that keeps two, with PAUSE milliseconds between two saves. FORMAT
is V1 or V2. With KILLS the writer is another process, which is killed so many times at a random moment; each that comes after it
goes on from the newest checkpoint. Prints `saved STEP TIME` for each complete save, by the monotonic clock in nanoseconds.
"""
import mmap
import os
import random
import signal
import struct
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/generator"))
import tensorflow as tf
from saves import stepped_model

tf1 = tf.compat.v1
tf1.disable_eager_execution()
tf1.logging.set_verbosity(tf1.logging.ERROR)


def say(*words):
    # In one call, so that no line is cut off.
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def write(folder, version, steps, pause, begun):
    """Saves each of the steps; `begun` tells other processes which one is at work."""
    with tf.Graph().as_default(), tf1.Session() as session:
        step, assign = stepped_model(tf)
        saver = tf1.train.Saver(
            max_to_keep=2, save_relative_paths=True, write_version=getattr(tf1.train.SaverDef, version))
        state = tf1.train.get_checkpoint_state(folder)
        if state:
            saver.restore(session, state.model_checkpoint_path)
            saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        for number in steps:
            session.run(assign, {step: number})
            begun[:8] = struct.pack("q", number)
            saver.save(session, os.path.join(folder, "model"), global_step=number)
            say("saved", number, time.monotonic_ns())
            time.sleep(pause / 1000)


def write_until_killed(folder, version, first, begun):
    """Starts a writer, and kills it at a random moment of its saves."""
    child = os.fork()
    if child == 0:
        write(folder, version, range(first, 1 << 40), 0, begun)
    while struct.unpack("q", begun[:8])[0] < first:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.3))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    last, = struct.unpack("q", begun[:8])
    say("killed", last, time.monotonic_ns())
    return last + 1


def main(folder, version, saves, pause, kills):
    begun = mmap.mmap(-1, 8)
    step = 2
    for _ in range(int(kills)):
        step = write_until_killed(folder, version, step, begun)
        # Now and then long enough for what it left to be looked at.
        time.sleep(random.choice([0, 0, 0, 1]))
    write(folder, version, range(step, step + int(saves)), float(pause), begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
