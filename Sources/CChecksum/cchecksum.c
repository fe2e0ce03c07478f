#include "cchecksum.h"
