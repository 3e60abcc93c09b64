"""Decodes and resizes one picture at a time on one thread: resize_pixels.py <pillow|opencv|pyvips>.

Each line on stdin: {"file", "size", "times", "output"}; `output` is where its pixels are written, uint8 RGB [size, size, 3].
The answer is the milliseconds of all times together, by the clock and of the processor; {"failed": why} where it cannot read it.
"""
import json
import os
import sys
import time

from answers import answer_lines

os.environ["VIPS_CONCURRENCY"] = "1"


def pillow():
    import PIL
    from PIL import Image

    try:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener()
    except ImportError:
        pass  # Pillow-SIMD has an environment of its own, without it

    def resize(file, size):
        picture = Image.open(file)
        picture.draft("RGB", (size, size))  # scales JPEGs while it decodes them
        return picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0).tobytes()

    name = "Pillow-SIMD" if ".post" in PIL.__version__ else "Pillow"
    return f"{name} {PIL.__version__}", resize


def opencv():
    import cv2

    cv2.setNumThreads(1)
    reduced = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}

    def flag_for(file, size):
        """The decoder's own scaling, which JPEGs have, as far as twice the size needed remains."""
        if not file.endswith(".jpg"):
            return cv2.IMREAD_COLOR
        with open(file, "rb") as opened:
            width, height = jpeg_size(opened.read())
        fits = [factor for factor in reduced if min(width, height) >= 2 * factor * size]
        return reduced[fits[0]] if fits else cv2.IMREAD_COLOR

    def resize(file, size):
        picture = cv2.imread(file, flag_for(file, size))
        if picture is None:
            raise ValueError("not read")
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes()

    return f"OpenCV {cv2.__version__}", resize


def jpeg_size(data):
    """Width and height from the frame header of a baseline or progressive JPEG."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")


def pyvips():
    import pyvips as vips

    vips.cache_set_max(0)

    def resize(file, size):
        return vips.Image.thumbnail(file, size, height=size, size="force").write_to_memory()

    return f"pyvips {vips.__version__}, libvips {'.'.join(str(vips.version(part)) for part in range(3))}", resize


name, resize = {"pillow": pillow, "opencv": opencv, "pyvips": pyvips}[sys.argv[1]]()


def answer(line):
    job = json.loads(line)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        for _ in range(job["times"]):
            pixels = resize(job["file"], job["size"])
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    spent = {"wall": (time.perf_counter() - wall) * 1000, "cpu": (time.process_time() - cpu) * 1000}
    with open(job["output"], "wb") as file:
        file.write(pixels)
    return spent


answer_lines(name, answer)
