"""pillow.py TASKS.json: what Pillow makes of pictures: resized with LANCZOS, then grey or RGB; the pixels, base64, as JSON."""
import base64
import json
import sys

from PIL import Image


def resized(task):
    width, height, fit = task['width'], task['height'], task['fit']
    picture = Image.open(task['file']).convert('RGB')
    if task['channels'] == 1:
        picture = picture.convert('L')
    if fit == 'fill':
        return picture.resize((width, height), Image.LANCZOS)
    scales = width / picture.width, height / picture.height
    if fit == 'cover':
        taken = width / max(scales), height / max(scales)
        left, top = (picture.width - taken[0]) / 2, (picture.height - taken[1]) / 2
        box = (left, top, left + taken[0], top + taken[1])
        return picture.resize((width, height), Image.LANCZOS, box=box)
    inner = [max(1, round(side * min(scales))) for side in picture.size]
    whole = Image.new(picture.mode, (width, height), 'white')
    whole.paste(picture.resize(inner, Image.LANCZOS), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


with open(sys.argv[1]) as file:
    tasks = json.load(file)
print(json.dumps([base64.b64encode(resized(task).tobytes()).decode() for task in tasks]))
