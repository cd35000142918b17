// The agent's name for schema's file descriptor; see there.
#pragma once

#include "schema/file_descriptor.h"

namespace strop::agent {

using schema::FileDescriptor;

}  // namespace strop::agent
