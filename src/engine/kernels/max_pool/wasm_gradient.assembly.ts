import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * dx [batch, inHeight, inWidth, channels] of max-pooling: each dy goes to the first element of its window, row
 * by row, that equals the maximum. A chunk is some pictures, since windows overlap.
 */
export function maxPoolGradient(
  chunk: i32,
  chunks: i32,
  input: usize,
  output: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
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
