#include "trainer/model/token_scores.h"

#include <algorithm>

#include "trainer/model/affine.h"
#include "trainer/model/wide.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kRowsAtOnce = 128;

template <class Visit>
void for_each_chunk(std::int64_t rows, Visit visit) {
  for (std::int64_t begin = 0; begin < rows; begin += kRowsAtOnce)
    visit(begin, std::min(kRowsAtOnce, rows - begin));
}

// A head that is trained is kept wider than what it is multiplied with.
Tensor logits_of(const Tensor& hidden, const Tensor& head) {
  return wide(affine(hidden, head.to(hidden.scalar_type()), {}));
}

// Of what a target is less likely than certain: softmax(h·Wᵀ) − onehot(t).
Tensor surprise(const Tensor& hidden, const Tensor& head, const Tensor& targets) {
  Tensor share = torch::softmax(logits_of(hidden, head), -1);
  return share.scatter_add_(1, targets.unsqueeze(1),
                            torch::full({targets.size(0), 1}, -1.0, share.options()));
}

class TokenScores : public torch::autograd::Function<TokenScores> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& head,
                        const Tensor& targets, bool with_gradient) {
    Tensor scores = wide(torch::empty({hidden.size(0)}, hidden.options()));
    const Tensor slopes = with_gradient ? torch::empty_like(hidden) : Tensor();
    for_each_chunk(hidden.size(0), [&](std::int64_t begin, std::int64_t count) {
      const Tensor rows = hidden.narrow(0, begin, count);
      const Tensor wanted = targets.narrow(0, begin, count);
      Tensor logs = torch::log_softmax(logits_of(rows, head), -1);
      scores.narrow(0, begin, count).copy_(logs.gather(1, wanted.unsqueeze(1)).squeeze(1));
      if (!with_gradient) return;
      Tensor slope = slopes.narrow(0, begin, count);
      const Tensor expected =
          torch::mm(logs.exp_().to(hidden.scalar_type()), head.to(hidden.scalar_type()));
      slope.copy_(head.index_select(0, wanted) - expected);
    });
    context->save_for_backward({hidden, head, targets, slopes});
    return scores;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& hidden = saved[0];
    const Tensor& head = saved[1];
    const Tensor& targets = saved[2];
    const Tensor gradient = gradients[0].unsqueeze(1);
    Tensor dhead;
    if (context->needs_input_grad(1)) {
      dhead = torch::zeros_like(head);
      for_each_chunk(hidden.size(0), [&](std::int64_t begin, std::int64_t count) {
        const Tensor rows = hidden.narrow(0, begin, count);
        const Tensor dlogits = surprise(rows, head, targets.narrow(0, begin, count))
                                   .mul_(gradient.narrow(0, begin, count).neg());
        dhead.add_(torch::mm(dlogits.to(rows.scalar_type()).t(), rows));
      });
    }
    return {saved[3] * gradient.to(hidden.scalar_type()), dhead, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor token_scores(const Tensor& hidden, const Tensor& head, const Tensor& targets) {
  const bool with_gradient =
      torch::GradMode::is_enabled() && (hidden.requires_grad() || head.requires_grad());
  return TokenScores::apply(hidden, head, targets, with_gradient);
}

}  // namespace strop::trainer
