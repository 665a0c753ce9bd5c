// The public headers as another program would use them.

#include <gtest/gtest.h>

#include "explaind/samples.hpp"
#include "explaind/series.hpp"

namespace {

TEST(PublicHeaders, OpenASeriesAndItsSamples) {
  const std::string folder = EXPLAIND_TEST_DATA "/llama/tied";
  const auto series = explaind::CheckpointSeries::open(folder + "/series");
  ASSERT_GE(series.size(), 2U);
  EXPECT_LT(series.step(0), series.step(1));
  const auto samples = explaind::load_samples(
      folder + "/samples.jsonl", {.vocabulary = series.config()["vocab_size"].get<int64_t>(),
                                  .max_length = 64,
                                  .truncate = false,
                                  .tokenizer_directory = {}});
  EXPECT_EQ(samples.size(), 5U);
  const explaind::TensorView& view = series.checkpoint(0).tensor("model.embed_tokens.weight");
  std::vector<float> values(static_cast<size_t>(view.elements()));
  explaind::to_float(view, values);
  EXPECT_NE(values.front(), 0.0F);
}

}  // namespace
