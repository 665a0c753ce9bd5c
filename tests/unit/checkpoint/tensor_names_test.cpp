// Names out of wrappers become the model's own.

#include "checkpoint/tensor_names.hpp"

#include <gmock/gmock.h>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> own{"lm_head.weight", "model.embed_tokens.weight",
                                   "model.layers.0.self_attn.q_proj.weight", "model.norm.weight"};

/// Views under these names; `bytes` is the place of the name in the list.
std::map<std::string, TensorView> named(const std::vector<std::string>& names) {
  std::map<std::string, TensorView> tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    tensors[names[i]] = {.name = names[i], .dtype = {}, .shape = {}, .data = nullptr, .bytes = i};
  }
  return tensors;
}

/// Each of `own` as a wrapper calls it.
template <typename Wrap>
void expect_unwrapped(Wrap wrap, const std::string& note) {
  std::vector<std::string> names;
  for (const std::string& name : own) names.push_back(wrap(name));
  std::map<std::string, TensorView> tensors = named(names);
  EXPECT_EQ(unwrap_names(tensors, {}, "x"), note);
  ASSERT_EQ(tensors.size(), own.size());
  for (size_t i = 0; i < own.size(); ++i) {
    ASSERT_TRUE(tensors.contains(own[i])) << own[i];
    EXPECT_EQ(tensors[own[i]].bytes, i);
    EXPECT_EQ(tensors[own[i]].name, own[i]);
  }
}

TEST(TensorNames, OfTheModelStay) {
  expect_unwrapped([](const std::string& name) { return name; }, "");
}

TEST(TensorNames, LoseWhatAllHaveBeforeThem) {
  for (const std::string before : {"module.", "model.", "_forward_module.module.", "net.llm."}) {
    const std::string off = before == "_forward_module.module." ? R"("_forward_module.", "module.")"
                                                                : "\"" + before + "\"";
    expect_unwrapped([&](const std::string& name) { return before + name; },
                     "tensor names: " + off + " was taken off");
  }
}

TEST(TensorNames, LoseWrappersWithinThem) {
  expect_unwrapped([](const std::string& name) { return "_orig_mod." + name; },
                   "tensor names: \"_orig_mod.\" was taken off");
  expect_unwrapped([](const std::string& name) { return "module._orig_mod." + name; },
                   "tensor names: \"_orig_mod.\", \"module.\" was taken off");
  expect_unwrapped([](const std::string& name) { return "_orig_mod.module." + name; },
                   "tensor names: \"_orig_mod.\", \"module.\" was taken off");
  expect_unwrapped(
      [](std::string name) {
        const size_t at = name.find("self_attn");
        return at == std::string::npos ? name : name.insert(at, "_checkpoint_wrapped_module.");
      },
      "tensor names: \"_checkpoint_wrapped_module.\" was taken off");
  expect_unwrapped(
      [](const std::string& name) {
        return name.starts_with("model.") ? "model._fsdp_wrapped_module." + name.substr(6) : name;
      },
      "tensor names: \"_fsdp_wrapped_module.\" was taken off");
}

TEST(TensorNames, GetTheInnerModelsName) {
  expect_unwrapped(
      [](const std::string& name) { return name.starts_with("model.") ? name.substr(6) : name; },
      "tensor names: \"model.\" was put before them");
  expect_unwrapped(
      [](const std::string& name) {
        return "module." + (name.starts_with("model.") ? name.substr(6) : name);
      },
      "tensor names: \"module.\" was taken off and \"model.\" was put before them");
}

TEST(TensorNames, StayWhereNotAllBeginAlike) {
  std::map<std::string, TensorView> tensors =
      named({"language_model.model.embed_tokens.weight", "vision.weight"});
  EXPECT_EQ(unwrap_names(tensors, {}, "x"), "");
  EXPECT_TRUE(tensors.contains("vision.weight"));
  tensors = named({"w"});
  EXPECT_EQ(unwrap_names(tensors, {}, "x"), "");
}

TEST(TensorNames, ThatBecomeOneAreRefused) {
  std::map<std::string, TensorView> tensors = named({"_orig_mod.w", "w"});
  EXPECT_THAT(data_error([&] { unwrap_names(tensors, {}, "there"); }),
              HasSubstr("there: two tensors are called \"w\""));
}

}  // namespace
}  // namespace explaind
