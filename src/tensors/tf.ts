import { createRequire } from 'node:module';
import type * as core from '@tensorflow/tfjs-core';

/**
 * tfjs-core. Required, not imported: before Node imports a CommonJS package it parses all of it for the names of its
 * exports, which for tfjs's two megabytes took a third of predict's cold start. A bundle for browsers takes
 * tf.browser.ts in place of this file (scripts/build.mjs).
 */
export const tf: typeof core = createRequire(import.meta.url)('@tensorflow/tfjs-core');

/** The types of tfjs-core that we use, so that tf.Tensor is both a class and a type. */
export declare namespace tf {
  type BackendValues = core.BackendValues;
  type DataType = core.DataType;
  type GradConfig = core.GradConfig;
  type GradSaveFunc = core.GradSaveFunc;
  type KernelConfig = core.KernelConfig;
  type KernelFunc = core.KernelFunc;
  type NamedAttrMap = core.NamedAttrMap;
  type NamedTensorMap = core.NamedTensorMap;
  type Rank = core.Rank;
  type Scalar = core.Scalar;
  type Tensor<R extends Rank = Rank> = core.Tensor<R>;
  type Tensor1D = core.Tensor1D;
  type Tensor2D = core.Tensor2D;
  type Tensor3D = core.Tensor3D;
  type Tensor4D = core.Tensor4D;
  type TensorInfo = core.TensorInfo;
  type Variable<R extends Rank = Rank> = core.Variable<R>;
  namespace backend_util {
    type Conv2DInfo = core.backend_util.Conv2DInfo;
  }
}
