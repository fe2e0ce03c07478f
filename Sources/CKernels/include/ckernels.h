#ifndef CKERNELS_H
#define CKERNELS_H

#include "ckernels_cells.h"
#include "ckernels_channels.h"
#include "ckernels_depthwise.h"
#include "ckernels_elementwise.h"
#include "ckernels_image.h"
#include "ckernels_layernorm.h"
#include "ckernels_matrices.h"
#include "ckernels_panels.h"
#include "ckernels_products.h"
#include "ckernels_random.h"
#include "ckernels_random_boxes.h"
#include "ckernels_reductions.h"
#include "ckernels_scores.h"
#include "ckernels_softmax.h"
#include "ckernels_training.h"
#include "ckernels_transpose.h"
#include "ckernels_volume.h"
#include "ckernels_window.h"
#include "ckernels_winograd.h"

#endif
