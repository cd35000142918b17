// Which refusals are for good, as FORMAT.md's table of NACK codes has it.
//
// Pure, any thread. No errors.
#pragma once

#include "schema/wire.h"

namespace strop::collector {

inline bool is_permanent(schema::NackCode code) {
  using schema::NackCode;
  switch (code) {
    case NackCode::kVersion:
    case NackCode::kUnauthorised:
    case NackCode::kQuarantined:
    case NackCode::kWrongInstall:
    case NackCode::kBadFrame:
      return true;
    case NackCode::kChecksum:
    case NackCode::kHelloFirst:
    case NackCode::kOutOfOrder:
    case NackCode::kNoCredit:
    case NackCode::kStorage:
    case NackCode::kDraining:
      return false;
  }
  return true;
}

}  // namespace strop::collector
