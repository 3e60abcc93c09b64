"""Quality of resized pictures: each line on stdin is a folder, the answer is the mean PSNR in dB and SSIM of its pictures.

Usage: reference_pictures.py <folder of the originals> <width> <height>, or reference_pictures.py pixels: each line is then
{"file", "size", "pixels"}, the original and the file of its pixels, uint8 RGB [size, size, 3], and the answer their PSNR.
The reference is Lanczos resampling of the whole original in floating point, without the JPEG decoder's own scaling.
"""
import functools
import json
import os
import sys

import cv2
import numpy as np
from answers import answer_lines
from PIL import Image


@functools.lru_cache(maxsize=200)
def reference(file, size):
    pixels = np.asarray(Image.open(file).convert("RGB"))
    channels = [
        Image.fromarray(pixels[:, :, i].astype(np.float32)).resize(size, Image.Resampling.LANCZOS) for i in range(3)
    ]
    return np.clip(np.stack([np.asarray(channel) for channel in channels], axis=2), 0, 255)


def psnr(resized, reference):
    return float(10 * np.log10(255**2 / np.mean((resized - reference) ** 2)))


def ssim(a, b):
    """Wang et al. 2004, with Gaussian windows of 11 pixels and sigma 1.5; mean over the channels."""
    blur = lambda x: cv2.GaussianBlur(x, (11, 11), 1.5)
    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(top / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))))


def answer_folders(source, width, height):
    size = (int(width), int(height))
    names = sorted(os.listdir(source))[:: max(1, len(os.listdir(source)) // 100)]

    def answer(folder):
        figures = []
        for name in names:
            resized = np.asarray(Image.open(os.path.join(folder, name)).convert("RGB"), dtype=np.float32)
            exact = reference(os.path.join(source, name), size)
            figures.append((psnr(resized, exact), ssim(resized, exact)))
        return dict(zip(("psnr", "ssim"), np.mean(figures, axis=0).tolist()))

    answer_lines(f"{len(names)} pictures", answer)


def answer_pixels():
    import pillow_heif

    pillow_heif.register_heif_opener()

    def answer(line):
        job = json.loads(line)
        size = (job["size"], job["size"])
        resized = np.fromfile(job["pixels"], np.uint8).reshape(*size, 3).astype(np.float32)
        return psnr(resized, reference(job["file"], size))

    answer_lines("PSNR", answer)


if sys.argv[1:] == ["pixels"]:
    answer_pixels()
else:
    answer_folders(*sys.argv[1:])
