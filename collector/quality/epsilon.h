// ε: the probability that a label is wrong, from the evidence it rests on, the tracker's confidence
// and the kind of pair. It enters the trainer's loss as a flip; it is never a weight.
//
// Pure functions, any thread. Values lie in [0, 0.5].
#pragma once

#include <string_view>

#include "schema/event.h"

namespace strop::collector {

// Of an outcome: the more direct the evidence, the surer (command > editor > state > time-out),
// but never surer than the tracker was itself.
double outcome_epsilon(schema::Evidence evidence, double confidence);

// What the kind of pair adds: how seldom the developer's act says what the pair claims.
double kind_epsilon(std::string_view kind);

// Wrong when one of two independent doubts holds, but not both.
double either(double a, double b);

}  // namespace strop::collector
