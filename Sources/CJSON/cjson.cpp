#include "cjson_shim.h"
