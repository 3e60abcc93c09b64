import { address, chunkStart, integer } from '../../wasm/assembly/arguments';

/**
 * dx [batch, inHeight, inWidth, channels] of max-pooling: each dy goes to the first place of its window, row by
 * row, that holds the maximum. A chunk is some pictures, since windows overlap.
 * Arguments: input, output (of the pooling), dy, dx, chunks, batch, inHeight, inWidth, channels, height, width,
 * windowHeight, windowWidth, strideHeight, strideWidth, top, left.
 */
export function maxPoolGradient(args: usize, chunk: i32): void {
  const input = address(args, 0);
  const output = address(args, 1);
  const dy = address(args, 2);
  const dx = address(args, 3);
  const chunks = integer(args, 4);
  const batch = integer(args, 5);
  const inHeight = integer(args, 6);
  const inWidth = integer(args, 7);
  const channels = integer(args, 8);
  const height = integer(args, 9);
  const width = integer(args, 10);
  const windowHeight = integer(args, 11);
  const windowWidth = integer(args, 12);
  const strideHeight = integer(args, 13);
  const strideWidth = integer(args, 14);
  const top = integer(args, 15);
  const left = integer(args, 16);

  const pixelBytes = <usize>(channels * 4);
  const pictureBytes = <usize>(inHeight * inWidth) * pixelBytes;
  const first = chunkStart(batch, chunks, chunk);
  const last = chunkStart(batch, chunks, chunk + 1);
  memory.fill(dx + <usize>first * pictureBytes, 0, <usize>(last - first) * pictureBytes);
  for (let row = first * height; row < last * height; row++) {
    const picture = <usize>(row / height) * pictureBytes;
    const y = (row % height) * strideHeight - top;
    const yFirst = max(y, 0);
    const yLast = min(y + windowHeight, inHeight);
    for (let column = 0; column < width; column++) {
      const x = column * strideWidth - left;
      const xFirst = max(x, 0);
      const xLast = min(x + windowWidth, inWidth);
      const pooled = <usize>(row * width + column) * pixelBytes;
      let channel: usize = 0;
      for (; channel + 16 <= pixelBytes; channel += 16) {
        const best = v128.load(output + pooled + channel);
        const gradient = v128.load(dy + pooled + channel);
        let open = i32x4.splat(-1);
        for (let v = yFirst; v < yLast; v++) {
          let p = picture + <usize>(v * inWidth + xFirst) * pixelBytes + channel;
          for (let u = xFirst; u < xLast; u++) {
            const found = v128.and(f32x4.eq(v128.load(input + p), best), open);
            v128.store(dx + p, f32x4.add(v128.load(dx + p), v128.and(found, gradient)));
            open = v128.andnot(open, found);
            p += pixelBytes;
          }
          if (!v128.any_true(open)) break;
        }
      }
      for (; channel < pixelBytes; channel += 4) {
        const best = load<f32>(output + pooled + channel);
        let open = true;
        for (let v = yFirst; v < yLast && open; v++) {
          for (let u = xFirst; u < xLast && open; u++) {
            const p = picture + <usize>(v * inWidth + u) * pixelBytes + channel;
            if (load<f32>(input + p) != best) continue;
            store<f32>(dx + p, load<f32>(dx + p) + load<f32>(dy + pooled + channel));
            open = false;
          }
        }
      }
    }
  }
}
