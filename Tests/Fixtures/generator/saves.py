"""Saves as tf.train.Saver makes them, and the order in which it touches the files: saves/events and saves/STEP/NAME.

The variables a, b and c are [64] and all of them the step's number, so that an answer of mixed weights shows. TensorFlow runs
under strace (Debian's package), which tells what it creates, renames and removes; names of temporary files lose their
random part. A line of events is `save STEP`, `create NAME`, `rename FROM TO` or `unlink NAME`; what is created is complete
before the next line, and its content is that of the file that it is renamed to.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

STEPS = 6


def stepped_model(tf):
    """Makes the graph: its step, and what puts that into the variables."""
    tf1 = tf.compat.v1
    x = tf1.placeholder(tf.float32, [], name="x")
    step = tf1.placeholder(tf.float32, [], name="step")
    variables = [tf1.get_variable(name, [64], initializer=tf1.zeros_initializer(), use_resource=False) for name in "abc"]
    assign = [variable.assign(tf.fill([64], step)) for variable in variables]
    tf.add(tf.concat(variables, 0), x, name="all")
    return step, assign


def train(folder, contents):
    """Saves STEPS times into a folder, and copies what each save left."""
    import tensorflow as tf
    tf1 = tf.compat.v1
    tf1.disable_eager_execution()
    with tf.Graph().as_default(), tf1.Session() as session:
        step, assign = stepped_model(tf)
        saver = tf1.train.Saver(max_to_keep=2, save_relative_paths=True)
        for number in range(1, STEPS + 1):
            session.run(assign, {step: number})
            os.mkdir(os.path.join(contents, str(number)))
            saver.save(session, os.path.join(folder, "model"), global_step=number)
            for name in os.listdir(folder):
                if name == "checkpoint" or name.startswith(f"model-{number}."):
                    shutil.copy(os.path.join(folder, name), os.path.join(contents, str(number), name))


def events(trace, folder, contents):
    """The lines of the file, from strace's."""
    lines = []
    for line in trace.splitlines():
        made = re.search(r'mkdir\("(.*)", .*\) = 0', line)
        if made and os.path.dirname(made[1]) == contents:
            lines.append(f"save {os.path.basename(made[1])}")
        call = re.search(r'(openat|rename|unlink)\((.*)\) = \d', line)
        if not call or (call[1] == "openat" and "O_CREAT" not in call[2]):
            continue
        names = [os.path.basename(path) for path in re.findall(r'"([^"]*)"', call[2]) if os.path.dirname(path) == folder]
        names = [re.sub(r"\.(tempstate|tmp)[0-9a-f]+$", r".\1", name) for name in names]
        if names:
            lines.append(" ".join([{"openat": "create"}.get(call[1], call[1])] + names))
    return lines


def write(home):
    target = os.path.join(home, "saves")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as trace:
        subprocess.run(["strace", "-f", "-e", "trace=openat,rename,unlink,mkdir", "-o", trace.name, sys.executable,
                        os.path.abspath(__file__), folder, target], check=True, stderr=subprocess.DEVNULL)
        lines = events(open(trace.name).read(), folder, target)
    with open(os.path.join(target, "events"), "w") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    train(*sys.argv[1:])
