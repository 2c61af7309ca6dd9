#include "arguments.h"

#include <stdlib.h>
#include <string.h>

bool is_ok(napi_env env, napi_status status) {
  if (status == napi_ok) return true;
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (is_pending) return false;
  const napi_extended_error_info *info = NULL;
  napi_get_last_error_info(env, &info);
  const char *message = info == NULL || info->error_message == NULL ? "wrong argument" : info->error_message;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  size_t given = count;
  if (!is_ok(env, napi_get_cb_info(env, info, &given, arguments, NULL, NULL))) return false;
  if (given >= count) return true;
  napi_throw_type_error(env, "ERR_MISSING_ARGS", "an argument is missing");
  return false;
}

bool read_integer(napi_env env, napi_value value, int32_t *number) {
  return is_ok(env, napi_get_value_int32(env, value, number));
}

bool read_text(napi_env env, napi_value value, char **text) {
  size_t length = 0;
  if (!is_ok(env, napi_get_value_string_utf8(env, value, NULL, 0, &length))) return false;
  char *copy = malloc(length + 1);
  if (copy == NULL) {
    napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED", "out of memory");
    return false;
  }
  if (!is_ok(env, napi_get_value_string_utf8(env, value, copy, length + 1, &length))) {
    free(copy);
    return false;
  }
  if (strlen(copy) != length) {
    free(copy);
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "the text has a NUL in it");
    return false;
  }
  *text = copy;
  return true;
}

bool read_integer_property(napi_env env, napi_value object, const char *name, int32_t *number) {
  napi_value value;
  return is_ok(env, napi_get_named_property(env, object, name, &value)) && read_integer(env, value, number);
}

bool read_text_property(napi_env env, napi_value object, const char *name, char **text) {
  napi_value value;
  return is_ok(env, napi_get_named_property(env, object, name, &value)) && read_text(env, value, text);
}

bool set_property(napi_env env, napi_value object, const char *name, napi_value value) {
  return is_ok(env, napi_set_named_property(env, object, name, value));
}

bool set_text(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value;
  return is_ok(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value)) &&
         set_property(env, object, name, value);
}

bool set_number(napi_env env, napi_value object, const char *name, double number) {
  napi_value value;
  return is_ok(env, napi_create_double(env, number, &value)) && set_property(env, object, name, value);
}

bool set_boolean(napi_env env, napi_value object, const char *name, bool is_set) {
  napi_value value;
  return is_ok(env, napi_get_boolean(env, is_set, &value)) && set_property(env, object, name, value);
}
