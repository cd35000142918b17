#include "trainer/model/recomputed.h"

#include <torch/custom_class.h>

#include <utility>

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Part : torch::CustomClassHolder {
  Part(ModelPart part, at::Generator drawn_from)
      : compute(std::move(part)), generator(std::move(drawn_from)) {
    if (generator.defined()) state = generator.get_state();
  }
  ModelPart compute;
  at::Generator generator;
  Tensor state;
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  // `anchor` asks for a gradient, so that the part's leaves get theirs even where x asks for none.
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& /*anchor*/,
                        const c10::intrusive_ptr<Part>& part) {
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(part);
    return part->compute(x);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const torch::AutoGradMode with_gradients(true);
    const auto capsule = context->saved_data["part"].toCapsule();
    auto& part = static_cast<Part&>(*capsule);
    if (part.generator.defined()) part.generator.set_state(part.state);
    const Tensor x =
        context->get_saved_variables()[0].detach().set_requires_grad(context->needs_input_grad(0));
    torch::autograd::backward({part.compute(x)}, {gradients[0]});
    return {x.grad(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor recomputed(const Tensor& x, const at::Generator& generator, ModelPart part) {
  const Tensor anchor = torch::zeros({}, torch::TensorOptions().requires_grad(true));
  return Recomputed::apply(x, anchor, c10::make_intrusive<Part>(std::move(part), generator));
}

}  // namespace strop::trainer
