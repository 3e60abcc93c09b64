// TensorFlow writes to standard error while its library is loaded, before any of its logging settings apply. Node
// cannot redirect a file descriptor, so this module does: mute() and unmute().
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved = -1;

static napi_value Mute(napi_env, napi_callback_info) {
  if (saved >= 0) return nullptr;
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return nullptr;
  saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (saved >= 0) dup2(nowhere, STDERR_FILENO);
  close(nowhere);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  if (saved < 0) return nullptr;
  dup2(saved, STDERR_FILENO);
  close(saved);
  saved = -1;
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  napi_value mute, unmute;
  if (napi_create_function(env, "mute", NAPI_AUTO_LENGTH, Mute, nullptr, &mute) == napi_ok)
    napi_set_named_property(env, exports, "mute", mute);
  if (napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, Unmute, nullptr, &unmute) == napi_ok)
    napi_set_named_property(env, exports, "unmute", unmute);
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
