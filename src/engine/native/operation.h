// Shared by all our operations: registering them with TensorFlow through its C interface (tensorflow/c/ops.h,
// tensorflow/c/kernels.h), and access to their tensors. They run on the CPU; on a GPU TensorFlow's own are used.
#pragma once
#include <tensorflow/c/kernels.h>
#include <tensorflow/c/ops.h>
#include <tensorflow/c/tf_status.h>
#include <tensorflow/c/tf_tensor.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

// Compiles a function once per x86-64 level; the widest vectors that the processor has are chosen at run time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

// An input or output of a call; it is released when the call ends.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = delete;
  ~Tensor() {
    if (tensor_) TF_DeleteTensor(tensor_);
  }
  TF_Tensor** address() { return &tensor_; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor_));
  }
  int64_t size() const { return TF_TensorElementCount(tensor_); }
  int64_t dim(int axis) const { return TF_Dim(tensor_, axis); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> sizes(TF_NumDims(tensor_));
    for (size_t axis = 0; axis < sizes.size(); axis++) sizes[axis] = dim(axis);
    return sizes;
  }

 private:
  TF_Tensor* tensor_ = nullptr;
};

// One execution of an operation. After a failure further calls do nothing, and TensorFlow reports that first failure.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    TF_DeleteStatus(status_);
  }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  void fail(TF_Code code, const char* message) { TF_SetStatus(status_, code, message); }
  void input(int index, Tensor& tensor) {
    if (ok()) TF_GetInput(context_, index, tensor.address(), status_);
  }
  // The first inputs, in their order.
  void inputs(std::initializer_list<Tensor*> tensors) {
    int index = 0;
    for (Tensor* tensor : tensors) input(index++, *tensor);
  }
  void output(int index, TF_DataType type, const std::vector<int64_t>& shape, Tensor& tensor) {
    if (!ok()) return;
    size_t bytes = TF_DataTypeSize(type);
    for (int64_t size : shape) bytes *= size;
    *tensor.address() = TF_AllocateOutput(context_, index, type, shape.data(), shape.size(), bytes, status_);
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
};

// Reads an attribute of type list(int) when an operation is made.
inline std::vector<int32_t> IntegersOf(TF_OpKernelConstruction* construction, const char* name) {
  TF_Status* status = TF_NewStatus();
  int32_t length = 0, bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction, name, &length, &bytes, status);
  std::vector<int32_t> values(length > 0 ? length : 0);
  if (TF_GetCode(status) == TF_OK)
    TF_OpKernelConstruction_GetAttrInt32List(construction, name, values.data(), length, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return values;
}

inline float FloatOf(TF_OpKernelConstruction* construction, const char* name) {
  TF_Status* status = TF_NewStatus();
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction, name, &value, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return value;
}

inline bool BoolOf(TF_OpKernelConstruction* construction, const char* name) {
  TF_Status* status = TF_NewStatus();
  unsigned char value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, name, &value, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return value;
}

struct Operation {
  const char* name;
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  std::initializer_list<const char*> attributes;
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};

inline void NoShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

// A static object of this type registers its operation when the library is loaded.
struct Registration {
  explicit Registration(const Operation& operation) {
    TF_Status* status = TF_NewStatus();
    TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(operation.name);
    for (const char* input : operation.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
    for (const char* output : operation.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
    for (const char* attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
    TF_OpDefinitionBuilderSetIsStateful(definition, true);
    TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &NoShape);
    TF_RegisterOpDefinition(definition, status);
    TF_KernelBuilder* kernel =
        TF_NewKernelBuilder(operation.name, "CPU", operation.create, operation.compute, operation.destroy);
    if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(operation.name, kernel, status);
    TF_DeleteStatus(status);
  }
};
