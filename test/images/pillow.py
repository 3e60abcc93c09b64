"""
pillow.py TASKS.json: what Pillow makes of pictures: cropped, resized with the filter, then grey or RGB; the pixels, base64,
as JSON. Covering with a crop is done as Resize and CenterCrop of torchvision do it.
"""
import base64
import json
import math
import sys

from PIL import Image

filters = {'lanczos3': Image.LANCZOS, 'bicubic': Image.BICUBIC, 'bilinear': Image.BILINEAR}


def resized_and_cropped(picture, size, crop, resample):
    """torchvision.transforms: Resize(floor(size / crop)), then CenterCrop(size), of a square."""
    shorter, longer = sorted(picture.size)
    first = math.floor(size / crop)
    second = int(first * longer / shorter)
    width, height = (first, second) if picture.width <= picture.height else (second, first)
    whole = picture.resize((width, height), resample)
    top, left = int(round((height - size) / 2.0)), int(round((width - size) / 2.0))
    return whole.crop((left, top, left + size, top + size))


def resized(task):
    width, height, fit = task['width'], task['height'], task['fit']
    crop, resample = task.get('crop', 1), filters[task.get('filter', 'lanczos3')]
    picture = Image.open(task['file']).convert('RGB')
    if task['channels'] == 1:
        picture = picture.convert('L')
    if fit == 'cover' and crop < 1:
        assert width == height
        return resized_and_cropped(picture, width, crop, resample)
    share = picture.width * crop, picture.height * crop

    def taken_of(taken, size):
        left, top = (max(0, (whole - part) / 2) for whole, part in zip(picture.size, taken))
        right, bottom = (min(whole, at + part) for whole, at, part in zip(picture.size, (left, top), taken))
        return picture.resize(size, resample, box=(left, top, right, bottom))

    if fit == 'fill':
        return taken_of(share, (width, height))
    scales = width / share[0], height / share[1]
    if fit == 'cover':
        return taken_of((width / max(scales), height / max(scales)), (width, height))
    inner = [max(1, round(side * min(scales))) for side in share]
    whole = Image.new(picture.mode, (width, height), 'white')
    whole.paste(taken_of(share, inner), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


with open(sys.argv[1]) as file:
    tasks = json.load(file)
print(json.dumps([base64.b64encode(resized(task).tobytes()).decode() for task in tasks]))
