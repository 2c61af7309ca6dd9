/* Reading what JavaScript passes. Each returns false with an exception pending. */
#ifndef COPPERHULL_ARGUMENTS_H
#define COPPERHULL_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False and an exception unless the call was `napi_ok`. */
bool is_ok(napi_env env, napi_status status);

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);
bool read_integer(napi_env env, napi_value value, int32_t *number);

/* A NUL-terminated copy for the caller to free. Refuses text with a NUL in it, which C would cut. */
bool read_text(napi_env env, napi_value value, char **text);

/* A property of an object, read as above. */
bool read_integer_property(napi_env env, napi_value object, const char *name, int32_t *number);
bool read_text_property(napi_env env, napi_value object, const char *name, char **text);

bool set_property(napi_env env, napi_value object, const char *name, napi_value value);
bool set_text(napi_env env, napi_value object, const char *name, const char *text);
bool set_number(napi_env env, napi_value object, const char *name, double number);
bool set_boolean(napi_env env, napi_value object, const char *name, bool is_set);

#endif
