// Optimizers: rules that change a variable, and the slots that belong to it, by a gradient.
#ifndef CKERNELS_TRAINING_H
#define CKERNELS_TRAINING_H

#include "ckernels_base.h"

// The variables of each rule, the trained one first, and its numbers, are in the order of TensorFlow's op.
enum {
    CK_TRAIN_GRADIENT_DESCENT,
    CK_TRAIN_PROXIMAL_GRADIENT_DESCENT,
    CK_TRAIN_MOMENTUM,
    CK_TRAIN_NESTEROV_MOMENTUM,
    CK_TRAIN_KERAS_MOMENTUM,
    CK_TRAIN_KERAS_NESTEROV_MOMENTUM,
    CK_TRAIN_ADAGRAD,
    CK_TRAIN_ADAGRAD_FIXED,
    CK_TRAIN_ADAGRAD_V2,
    CK_TRAIN_ADAGRAD_V2_FIXED,
    CK_TRAIN_PROXIMAL_ADAGRAD,
    CK_TRAIN_ADAGRAD_DA,
    CK_TRAIN_ADADELTA,
    CK_TRAIN_ADAM,
    CK_TRAIN_NESTEROV_ADAM,
    CK_TRAIN_AMSGRAD,
    CK_TRAIN_ADAMAX,
    CK_TRAIN_RMSPROP,
    CK_TRAIN_CENTERED_RMSPROP,
    CK_TRAIN_ADD_SIGN,
    CK_TRAIN_POWER_SIGN,
    CK_TRAIN_FTRL,
    CK_TRAIN_FTRL_BY_RATE,
    CK_TRAIN_COUNT
};

// The most variables, and the most numbers, that a rule has.
enum { CK_TRAIN_MAX_VARIABLES = 4, CK_TRAIN_MAX_NUMBERS = 6 };

// Changes `count` elements of each variable. `numbers` are the op's scalars, of the variables' type.
typedef void (*ck_train_fn)(
    void *const *variables, const void *gradient, const double *numbers, size_t count);

// The loop of a rule for float32 or float64; NULL for other types.
ck_train_fn ck_train_loop(int rule, int type);

#endif
