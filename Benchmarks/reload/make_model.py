"""Writes two checkpoints of one graph: 34 layers whose weights are stored transposed, and two variables of an optimizer for each, 107 MB.

Usage: make_model.py FOLDER     needs TensorFlow; writes model-1 and model-2, and a checkpoint file that names model-1
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

tf1 = tf.compat.v1
LAYERS, WIDTH = 34, 512


def main(folder):
    os.makedirs(folder, exist_ok=True)
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(7)
        zeros = tf1.zeros_initializer()
        x = tf1.placeholder(tf.float32, [None, WIDTH], name="x")
        y = x
        for layer in range(LAYERS):
            with tf1.variable_scope(f"layer{layer}"):
                square = [WIDTH, WIDTH]
                normal = tf1.random_normal_initializer(stddev=WIDTH**-0.5)
                weight = tf1.get_variable("weight", square, initializer=normal)
                bias = tf1.get_variable("bias", [WIDTH], initializer=zeros)
                for slot in ("m", "v"):
                    tf1.get_variable(slot, square, initializer=zeros)
                y = tf.nn.relu(tf.nn.bias_add(tf.matmul(y, tf.transpose(weight)), bias))
        tf.reduce_mean(y, axis=1, name="y")
        grow = [variable.assign(variable * 1.01) for variable in tf1.global_variables()]
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(max_to_keep=5)
        saver.save(session, f"{folder}/model", global_step=1)
        session.run(grow)
        saver.save(session, f"{folder}/model", global_step=2)
    with open(f"{folder}/checkpoint", "w") as pointer:
        pointer.write('model_checkpoint_path: "model-1"\n')


main(sys.argv[1])
