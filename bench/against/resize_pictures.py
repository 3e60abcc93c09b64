"""Resizes a folder of JPEGs with Pillow or OpenCV, with a process per core, or a thread in mode "threads".

Usage: resize_pictures.py <pillow|opencv> <mode> <folder of the originals> <width> <height>
Each line on stdin is a folder to write to; the answer is the milliseconds it took, and those of all cores together.
"""
import os
import sys
import time
from multiprocessing import Pool

from answers import answer_lines

library, mode, source, width, height = sys.argv[1:]
size = (int(width), int(height))
names = sorted(os.listdir(source))
processes = 1 if mode == "threads" else os.cpu_count()


def with_pillow(name, folder):
    from PIL import Image

    picture = Image.open(os.path.join(source, name))
    if mode == "draft":
        picture.draft("RGB", size)
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    picture.save(os.path.join(folder, name), quality=95, subsampling=0)


def with_opencv(name, folder):
    import cv2

    cv2.setNumThreads(0 if mode == "threads" else 1)
    # The decoder's own scaling to a quarter.
    flag = cv2.IMREAD_REDUCED_COLOR_4 if mode == "reduced" else cv2.IMREAD_COLOR
    picture = cv2.imread(os.path.join(source, name), flag)
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(os.path.join(folder, name), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])


def threads_of_opencv(folder):
    import cv2
    from concurrent.futures import ThreadPoolExecutor

    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: with_opencv(name, folder), names))


def work(task):
    before = time.process_time()
    (with_pillow if library == "pillow" else with_opencv)(*task)
    return time.process_time() - before


def version():
    if library == "pillow":
        import PIL

        return f"Pillow {PIL.__version__}"
    import cv2

    return f"OpenCV {cv2.__version__}"


def answer(folder):
    before, cores_before = time.perf_counter(), time.process_time()
    if mode == "threads":
        threads_of_opencv(folder)
        cores = time.process_time() - cores_before
    else:
        cores = sum(pool.map(work, [(name, folder) for name in names], chunksize=8))
    return {"wall": (time.perf_counter() - before) * 1000, "cpu": cores * 1000}


if __name__ == "__main__":
    with Pool(processes) as pool:
        answer_lines(version(), answer)
