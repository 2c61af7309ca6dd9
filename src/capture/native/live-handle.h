/* A capture as JavaScript holds it. */
#ifndef COPPERHULL_LIVE_HANDLE_H
#define COPPERHULL_LIVE_HANDLE_H

#include <node_api.h>

napi_value open_capture(napi_env env, napi_callback_info info);
napi_value start_capture(napi_env env, napi_callback_info info);
napi_value release_slab(napi_env env, napi_callback_info info);
napi_value read_stats(napi_env env, napi_callback_info info);
napi_value set_filter(napi_env env, napi_callback_info info);
napi_value count_live_instructions(napi_env env, napi_callback_info info);
napi_value hold_process(napi_env env, napi_callback_info info);
napi_value stop_capture(napi_env env, napi_callback_info info);
napi_value close_capture(napi_env env, napi_callback_info info);

#endif
