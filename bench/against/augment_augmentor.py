"""Augments with Augmentor: each line on stdin is a number of pictures to make, the answer is the milliseconds it took.

Usage: augment_augmentor.py <folder of pictures> <folder to write into>
"""
import os
import shutil
import sys
import time

import Augmentor
import PIL
from answers import answer_lines

source, output = sys.argv[1:3]
os.makedirs(output, exist_ok=True)

# Augmentor prints messages of its own, which must not mix with the answers.
answers = sys.stdout
sys.stdout = open(os.devnull, "w")

pipeline = Augmentor.Pipeline(source, output_directory=output)
pipeline.rotate(probability=1, max_left_rotation=20, max_right_rotation=20)
pipeline.flip_left_right(probability=0.5)
pipeline.zoom(probability=1, min_factor=1, max_factor=1.4)
pipeline.random_distortion(probability=1, grid_width=8, grid_height=8, magnitude=8)
pipeline.random_brightness(probability=1, min_factor=0.7, max_factor=1.3)


def answer(line):
    count = int(line)
    before = time.perf_counter()
    pipeline.sample(count)
    seconds = time.perf_counter() - before
    written = len(os.listdir(output))
    if written < count:
        sys.exit(f"Augmentor wrote {written} of {count} pictures")
    shutil.rmtree(output)
    os.makedirs(output)
    return 1000 * seconds


answer_lines(f"Augmentor {Augmentor.__version__}, Pillow {PIL.__version__}", answer, answers)
