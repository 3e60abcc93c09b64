// Included before the sources of tfjs's binding: while TensorFlow computes for it, signals wait. Until version 3.11.2,
// oneDNN's products of float32 on x86 keep an address of the heap in the stack pointer, and a signal's handler writes
// over what lies below it: Node's, of Ctrl-C, SIGTERM and a terminal that changes its size, as well as the profiler's.
#pragma once
#include <signal.h>
#include <tensorflow/c/eager/c_api.h>

#include <initializer_list>

// Signals to this thread, and to those that it starts meanwhile, but for those that tell of its own faults.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t signals;
    sigfillset(&signals);
    for (int fault : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) sigdelset(&signals, fault);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  SignalsWait(const SignalsWait&) = delete;
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Starts TensorFlow's threads, which share in the products.
inline TFE_Context* NewContextWithoutSignals(const TFE_ContextOptions* options, TF_Status* status) {
  const SignalsWait wait;
  return TFE_NewContext(options, status);
}

inline void ExecuteWithoutSignals(TFE_Op* operation, TFE_TensorHandle** outputs, int* count, TF_Status* status) {
  const SignalsWait wait;
  TFE_Execute(operation, outputs, count, status);
}

#define TFE_NewContext NewContextWithoutSignals
#define TFE_Execute ExecuteWithoutSignals
