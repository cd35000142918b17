// How sure a ratio is that was measured on files: the bootstrap, by file.
//
// Pure; any thread. Positions of one file are not independent of each other, so whole files are
// drawn with replacement (the clustered bootstrap), the same ones for both sides. The seed is
// fixed: the same counts give the same interval on every machine. No errors.
#pragma once

#include <vector>

namespace strop::trainer {

// A mean within one cluster, as sum and count.
struct Share {
  double sum = 0;
  double count = 0;
};

struct PairedShare {
  Share before;
  Share after;
};

struct Ratio {
  double before = 0;  // mean over all
  double after = 0;
  double ratio = 0;  // after / before; 0 where before is 0
  double low = 0;    // 95 % percentile interval of the ratio
  double high = 0;
};

Ratio bootstrap_ratio(const std::vector<PairedShare>& clusters, int resamples = 2000);

}  // namespace strop::trainer
