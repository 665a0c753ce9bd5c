#include "planner/computation.hpp"

#include <ATen/Context.h>

#include "core/error.hpp"

namespace explaind {

ProductForm choose_product_form(const std::string& word, int64_t largest_micro_batch) {
  if (word == "formed") return ProductForm::formed;
  if (word == "split") return ProductForm::split;
  if (word == "auto") {
    return largest_micro_batch <= few_tokens ? ProductForm::split : ProductForm::formed;
  }
  throw UsageError("--product-form", "'" + word + "' is not available",
                   "Use auto, formed or split");
}

std::string to_string(ProductForm form) { return form == ProductForm::split ? "split" : "formed"; }

void require_device(const Computation& computation) {
  if (computation.precision.tf32 && !computation.device.is_cuda()) {
    throw UsageError("--precision tf32",
                     "only CUDA devices have it, and this run computes on the "
                     "processor",
                     "Use --device cuda where there is one, or --precision fp32 or bf16");
  }
  if (computation.device.is_cuda()) {
    at::Context& context = at::globalContext();
    context.setAllowTF32CuBLAS(computation.precision.tf32);
    context.setAllowTF32CuDNN(computation.precision.tf32);  // LibTorch's default is yes
    // Sums of products of bf16 numbers stay fp32 until they are complete.
    context.setAllowBF16ReductionCuBLAS(/*allow_reduced_precision=*/false, /*allow_splitk=*/false);
  }
}

}  // namespace explaind
