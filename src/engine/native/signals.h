// Included before the sources of tfjs's binding: blocks signals while TensorFlow computes. On x86, oneDNN before 3.11.2
// keeps a heap address in the stack pointer during float32 matrix products, and a signal handler would overwrite the
// memory below it: Node's handlers of Ctrl-C, SIGTERM and terminal resizes, and the profiler's.
#pragma once
#include <signal.h>
#include <tensorflow/c/eager/c_api.h>

#include <initializer_list>

// Blocks signals to this thread and to the threads that it starts, except those that report its own faults.
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
