"""pillow_pictures.py FOLDER: random BMP and Netpbm files of every variant; prints as JSON what Pillow reads of each."""

import hashlib
import io
import json
import random
import struct
import sys

from PIL import Image

folder = sys.argv[1]
chance = random.Random(20)


def run_lengths(row, bits):
    """A row of indices in runs, absolute runs and deltas over zeros, as chance has it."""
    body, at, width = b"", 0, len(row)
    while at < width:
        if chance.random() < 0.5 and width - at >= 3:
            count = chance.randint(3, min(255, width - at))
            part = row[at : at + count]
            if bits == 4:
                even = part + [7] * (count % 2)
                part = [high << 4 | low for high, low in zip(even[::2], even[1::2])]
            body += bytes([0, count, *part]) + b"\xee" * (len(part) % 2)
        else:
            count = 1
            while at + count < width and count < 255 and row[at + count] == row[at]:
                count += 1
            if row[at] == 0 and at + count < width:
                body += bytes([0, 2, count, 0])
            else:
                body += bytes([count, row[at] << 4 | row[at] if bits == 4 else row[at]])
        at += count
    return body


def packed(row, bits):
    text = "".join(format(index, f"0{bits}b") for index in row)
    text += "0" * (-len(text) % 32)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


fields = {
    16: [(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)],
    24: [(0xFF0000, 0xFF00, 0xFF)],
    32: [
        (0xFF0000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
        (0, 0, 0, 0),
    ],
}


def bmp():
    width, height = chance.choice([1, 2, 3, 7, 8, 9, 31, 33, chance.randint(1, 300)]), chance.randint(1, 20)
    header, bits = chance.choice([12, 40, 52, 56, 64, 108, 124]), chance.choice([1, 4, 8, 16, 24, 32])
    compression, colours, palette, masks = 0, 0, b"", b""
    if bits <= 8:
        colours = 2**bits if header == 12 else chance.randint(3 if bits > 1 else 2, 2**bits)
        entry = 3 if header == 12 else 4
        palette = chance.randbytes(entry * colours)
        run = chance.choice([1, 5, 40])
        rows = [[chance.randrange(colours) for _ in range(width)] for _ in range(height)]
        rows = [[row[at // run * run] for at in range(width)] for row in rows]
        if header > 12 and bits > 1 and chance.random() < 0.6:
            compression = 1 if bits == 8 else 2
            body = b"\0\0".join(run_lengths(row, bits) for row in rows) + b"\0\1"
        else:
            body = b"".join(packed(row, bits) for row in rows)
    else:
        body = chance.randbytes((width * bits + 31) // 32 * 4 * height)
        if header not in (12, 64) and chance.random() < 0.6:
            compression, mask = 3, chance.choice(fields[bits])
            if header < 56 and len(mask) == 4 and mask[3] != 0:
                mask = fields[32][0]
            masks = struct.pack(f"<{len(mask)}I", *mask)
    if header == 12:
        head = struct.pack("<IHHHH", header, width, height, 1, bits)
    else:
        signed = -height if chance.random() < 0.3 else height
        sizes = (len(body), 2835, 2835, colours if colours < 2**bits else 0, 0)
        head = struct.pack("<IiiHHIIiiII", header, width, signed, 1, bits, compression, *sizes)
        head += masks[: 12 if header == 40 else header - 40]
        head += chance.randbytes(max(0, header - len(head)))
    gap = bytes(2 * chance.randint(0, 9) if chance.random() < 0.4 else 0)
    start = 14 + len(head) + len(palette) + len(gap)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + palette + gap + body


def netpbm():
    width, height, kind = chance.randint(1, 40), chance.randint(1, 9), chance.choice("123456")
    # Odd ones, so that Python's rounding of halves to even numbers does not matter.
    white = chance.choice([1, 15, 101, 255] + ([] if kind in "36" else [1001, 65535]))
    head = f"P{kind} # a comment\n{width}\n{height}"
    if kind == "4":
        return f"{head}\n".encode() + chance.randbytes((width + 7) // 8 * height)
    white = 1 if kind == "1" else white
    count = width * height * (3 if kind in "36" else 1)
    samples = [chance.randint(0, white) for _ in range(count)]
    head += "\n" if kind == "1" else f" {white}\n"
    if kind in "123":
        between = chance.choice(["", " "]) if kind == "1" else "\n"
        return f"{head}{between.join(map(str, samples))}\n".encode()
    size = 1 if white < 256 else 2
    return head.encode() + b"".join(sample.to_bytes(size, "big") for sample in samples)


def pixels_of(picture, is_bmp):
    """As our decoders give them: RGB or RGBA of a BMP, else 8 or 16 bits of grey or RGB."""
    if picture.mode == "I":
        values = picture.tobytes()
        return struct.pack(f"<{len(values) // 4}H", *struct.unpack(f"<{len(values) // 4}i", values))
    if picture.mode == "RGBA":
        return picture.tobytes()
    return picture.convert("RGB" if is_bmp or picture.mode == "RGB" else "L").tobytes()


known = []
for index in range(600):
    name, data = (f"{index}.bmp", bmp()) if index % 3 else (f"{index}.pnm", netpbm())
    picture = Image.open(io.BytesIO(data))
    picture.load()
    # Alpha that is 0 everywhere is left out by us.
    if picture.mode == "RGBA" and max(picture.getchannel("A").tobytes()) == 0:
        continue
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)
    digest = hashlib.sha256(pixels_of(picture, name.endswith("bmp"))).hexdigest()
    known.append({"file": name, "width": picture.width, "height": picture.height, "pixels": digest})
print(json.dumps(known))
