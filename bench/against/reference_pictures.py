"""Quality of resized pictures: each line on stdin is a folder, the answer is the mean PSNR in dB and SSIM of its pictures.

Usage: reference_pictures.py <folder of the originals> <width> <height>
The reference is Lanczos resampling of the whole original in floating point, without the JPEG decoder's own scaling.
"""
import os
import sys

import cv2
import numpy as np
from answers import answer_lines
from PIL import Image

source, width, height = sys.argv[1:]
size = (int(width), int(height))


def reference(name):
    pixels = np.asarray(Image.open(os.path.join(source, name)).convert("RGB"), dtype=np.float32)
    channels = [Image.fromarray(pixels[:, :, i]).resize(size, Image.Resampling.LANCZOS) for i in range(3)]
    return np.clip(np.stack([np.asarray(channel) for channel in channels], axis=2), 0, 255)


def ssim(a, b):
    """Wang et al. 2004, with Gaussian windows of 11 pixels and sigma 1.5; mean over the channels."""
    blur = lambda x: cv2.GaussianBlur(x, (11, 11), 1.5)
    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(top / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))))


names = sorted(os.listdir(source))[:: max(1, len(os.listdir(source)) // 100)]
references = {name: reference(name) for name in names}


def answer(folder):
    psnrs, ssims = [], []
    for name in names:
        resized = np.asarray(Image.open(os.path.join(folder, name)).convert("RGB"), dtype=np.float32)
        error = np.mean((resized - references[name]) ** 2)
        psnrs.append(10 * np.log10(255**2 / error))
        ssims.append(ssim(resized, references[name]))
    return {"psnr": float(np.mean(psnrs)), "ssim": float(np.mean(ssims))}


answer_lines(f"{len(names)} pictures", answer)
