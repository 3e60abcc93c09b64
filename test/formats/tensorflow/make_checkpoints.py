"""Makes checkpoints with TensorFlow 1's interface and asks each for its logits, which are printed as JSON.

Arguments: a JSON file {folder, pixels, height, width, only}; pixels: uint8 RGB [batch, height, width, 3]; only: a list
of the checkpoints to make, where not all.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)

with open(sys.argv[1]) as file:
    task = json.load(file)
height, width = task["height"], task["width"]
rgb = np.fromfile(task["pixels"], np.uint8).reshape(-1, height, width, 3)
bgr = rgb[..., ::-1].astype(np.float32)
one_hot = np.eye(2, dtype=np.float32)[np.arange(len(rgb)) % 2]


def save(name, build, *, resource, steps=2, saver=dict, prefix="model", **saving):
    """Builds a graph, trains it a little, saves it and answers its logits for the pictures, before and after another step."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.set_random_seed(5)
        with tf.variable_scope("", use_resource=resource):
            images, labels, logits, feed = build()
            losses = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=labels)
            train = tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(losses))
        session.run(tf.global_variables_initializer())
        keeper = tf.train.Saver(max_to_keep=4, **saver())
        os.makedirs(os.path.join(task["folder"], name))
        for step in range(steps):
            session.run(train, {images: bgr, labels: one_hot, **feed.get("train", {})})
            saving_now = {key: value(step) for key, value in saving.items()}
            keeper.save(session, os.path.join(task["folder"], name, prefix), **saving_now)
        answer = {images: bgr, **feed.get("answer", {})}
        answers = session.run(logits, answer).tolist()
        session.run(train, {images: bgr, labels: one_hot, **feed.get("train", {})})
        return {"logits": answers, "after another step": session.run(logits, answer).tolist()}


def inputs():
    return tf.placeholder(tf.float32, [None, height, width, 3]), tf.placeholder(tf.float32, [None, 2])


def weights(shape):
    return tf.Variable(tf.truncated_normal(shape, stddev=0.05))


def biases(shape):
    return tf.Variable(tf.random_uniform(shape, -0.3, 0.3))


def convolve(layer, kernel, channels, filters):
    layer = tf.nn.conv2d(layer, weights([kernel, kernel, channels, filters]), strides=[1, 1, 1, 1], padding="SAME")
    layer += biases([filters])
    return layer


def pool(layer, kernel):
    return tf.nn.max_pool(layer, ksize=[1, kernel, kernel, 1], strides=[1, 2, 2, 1], padding="SAME")


def article():
    """The article's network and names."""
    images, labels = inputs()
    layer = images
    for kernel, channels, filters in [(5, 3, 16), (4, 16, 32), (3, 32, 64)]:
        layer = tf.nn.relu(pool(convolve(layer, kernel, channels, filters), kernel))
    size = int(np.prod(layer.get_shape().as_list()[1:]))
    layer = tf.reshape(layer, [-1, size])
    layer = tf.nn.relu(tf.matmul(layer, weights([size, 1024])) + biases([1024]))
    logits = tf.matmul(layer, weights([1024, 2])) + biases([2])
    assert logits.name == "add_4:0" and images.name == "Placeholder:0" and labels.name == "Placeholder_1:0"
    return images, labels, logits, {}


def scopes():
    """get_variable in scopes; relu before the pool; scaling and RGB within the graph; dropout."""
    images, labels = inputs()
    keep = tf.placeholder(tf.float32, name="keep_prob")
    layer = tf.reverse(images, [-1]) / 255.0
    channels = 3
    for index, filters in enumerate([8, 12]):
        with tf.variable_scope(f"level{index}"):
            kernel = tf.get_variable("kernel", [3, 3, channels, filters])
            bias = tf.get_variable("bias", [filters], initializer=tf.random_uniform_initializer(-0.3, 0.3))
            layer = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(layer, kernel, [1, 1, 1, 1], "SAME"), bias))
            layer = tf.nn.max_pool2d(layer, 2, 2, "SAME")
            channels = filters
    with tf.variable_scope("head"):
        size = int(np.prod(layer.get_shape().as_list()[1:]))
        layer = tf.nn.dropout(tf.reshape(layer, [tf.shape(layer)[0], size]), keep_prob=keep)
        kernel = tf.get_variable("w", [size, 20])
        layer = tf.nn.relu(tf.nn.xw_plus_b(layer, kernel, tf.get_variable("b", [20])))
        layer = tf.nn.dropout(layer, rate=1 - keep)
        logits = tf.identity(tf.matmul(layer, tf.get_variable("out", [20, 2])), name="answer")
    return images, labels, logits, {"train": {keep: 0.5}, "answer": {keep: 1.0}}


def strided():
    """The names that tf.layers gives; no pools but strides; a second copy of the network, for validation."""
    images, labels = inputs()

    def network(layer):
        with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
            for index, (channels, filters) in enumerate([(3, 6), (6, 10)]):
                with tf.variable_scope(f"conv2d_{index}" if index else "conv2d"):
                    kernel = tf.get_variable("kernel", [3, 3, channels, filters])
                    layer = tf.nn.conv2d(layer, kernel, [1, 2, 2, 1], ["SAME", "VALID"][index], name="Conv2D")
                    layer = tf.nn.relu(tf.nn.bias_add(layer, tf.get_variable("bias", [filters])))
            size = int(np.prod(layer.get_shape().as_list()[1:]))
            with tf.variable_scope("dense"):
                layer = tf.reshape(layer, [-1, size])
                kernel = tf.get_variable("kernel", [2, size])
                return tf.nn.bias_add(tf.matmul(layer, kernel, transpose_b=True), tf.get_variable("bias", [2]))

    logits = network(tf.multiply(images, 1 / 127.5))
    validation = network(tf.multiply(images, 1 / 127.5))
    tf.nn.sigmoid(validation, name="probabilities")
    tf.argmax(logits, 1)
    return images, labels, logits, {}


def scaled_within():
    images, labels = inputs()
    layer = tf.reshape(images, [-1, height * width * 3])
    layer = 2.0 * tf.nn.relu(tf.matmul(layer, weights([height * width * 3, 4])) + biases([4]))
    return images, labels, tf.matmul(layer, weights([4, 2])), {}


def sigmoid():
    images, labels = inputs()
    layer = tf.reshape(images, [-1, height * width * 3])
    layer = tf.nn.sigmoid(tf.matmul(layer, weights([height * width * 3, 4])) + biases([4]), name="squashed")
    return images, labels, tf.matmul(layer, weights([4, 2])) + biases([2]), {}


def softplus():
    images, labels = inputs()
    layer = tf.reshape(images, [-1, height * width * 3])
    layer = tf.nn.softplus(tf.matmul(layer, weights([height * width * 3, 4])) + biases([4]), name="softened")
    return images, labels, tf.matmul(layer, weights([4, 2])) + biases([2]), {}


def last_unknown():
    """What bat-sup has no layer for is behind one that could be taken for the logits."""
    images, labels = inputs()
    layer = tf.matmul(tf.reshape(images, [-1, height * width * 3]), weights([height * width * 3, 4]))
    return images, labels, tf.einsum("bi,ij->bj", tf.nn.tanh(layer, name="bent"), weights([4, 2])), {}


def weights_alone():
    """A Saver without Adam's variables, and with names of its own."""
    return {"var_list": {f"saved/{index}": one for index, one in enumerate(tf.trainable_variables())}}


checkpoints = {
    "article": dict(build=article, resource=False, prefix=""),
    "article-resource": dict(build=article, resource=True),
    "weights-alone": dict(build=article, resource=True, saver=weights_alone),
    "scopes": dict(build=scopes, resource=False, prefix="net.ckpt", saver=lambda: {"sharded": True}),
    "strided": dict(build=strided, resource=True, steps=3, prefix="model.ckpt", global_step=lambda step: 9 + step,
                    write_meta_graph=lambda step: step == 0),
    "scaled-within": dict(build=scaled_within, resource=False),
    "last-unknown": dict(build=last_unknown, resource=False),
    "sigmoid": dict(build=sigmoid, resource=False),
    "softplus": dict(build=softplus, resource=False),
}  # fmt: skip
print(json.dumps({name: save(name, **checkpoints[name]) for name in task.get("only", checkpoints)}))
