import { autoContrast } from './auto_contrast.ts';
import { blackAndWhite } from './black_and_white.ts';
import { blur } from './blur.ts';
import { brightness } from './brightness.ts';
import { colour } from './colour.ts';
import { contrast } from './contrast.ts';
import { cropBySize } from './crop_by_size.ts';
import { cropCentre } from './crop_centre.ts';
import { cropRandom } from './crop_random.ts';
import { cutmix } from './cutmix.ts';
import { cutout } from './cutout.ts';
import { flipLeftRight } from './flip_left_right.ts';
import { flipRandom } from './flip_random.ts';
import { flipTopBottom } from './flip_top_bottom.ts';
import { gaussianDistortion } from './gaussian_distortion.ts';
import { greyscale } from './greyscale.ts';
import { histogramEqualisation } from './histogram_equalisation.ts';
import { hsvShift } from './hsv_shift.ts';
import { invert } from './invert.ts';
import { jpegArtefacts } from './jpeg_artefacts.ts';
import { mixup } from './mixup.ts';
import { noise } from './noise.ts';
import { perspective } from './perspective.ts';
import { posterise } from './posterise.ts';
import { randAugment } from './rand_augment.ts';
import { randomDistortion } from './random_distortion.ts';
import { randomErasing } from './random_erasing.ts';
import { resize } from './resize.ts';
import { rotate } from './rotate.ts';
import { rotate90 } from './rotate_90.ts';
import { rotate180 } from './rotate_180.ts';
import { rotate270 } from './rotate_270.ts';
import { rotateRandom90 } from './rotate_random_90.ts';
import { rotateWithoutCrop } from './rotate_without_crop.ts';
import { scale } from './scale.ts';
import { sharpness } from './sharpness.ts';
import { shear } from './shear.ts';
import { shift } from './shift.ts';
import { skew } from './skew.ts';
import { skewCorner } from './skew_corner.ts';
import { skewLeftRight } from './skew_left_right.ts';
import { skewTilt } from './skew_tilt.ts';
import { skewTopBottom } from './skew_top_bottom.ts';
import { solarise } from './solarise.ts';
import { trivialAugment } from './trivial_augment.ts';
import { zoom } from './zoom.ts';
import { zoomRandom } from './zoom_random.ts';

/** Every operation. A new one needs its file and a line here. */
export const operations = [
  autoContrast,
  blackAndWhite,
  blur,
  brightness,
  colour,
  contrast,
  cropBySize,
  cropCentre,
  cropRandom,
  cutmix,
  cutout,
  flipLeftRight,
  flipRandom,
  flipTopBottom,
  gaussianDistortion,
  greyscale,
  histogramEqualisation,
  hsvShift,
  invert,
  jpegArtefacts,
  mixup,
  noise,
  perspective,
  posterise,
  randAugment,
  randomDistortion,
  randomErasing,
  resize,
  rotate,
  rotate180,
  rotate270,
  rotate90,
  rotateRandom90,
  rotateWithoutCrop,
  scale,
  sharpness,
  shear,
  shift,
  skew,
  skewCorner,
  skewLeftRight,
  skewTilt,
  skewTopBottom,
  solarise,
  trivialAugment,
  zoom,
  zoomRandom,
];
