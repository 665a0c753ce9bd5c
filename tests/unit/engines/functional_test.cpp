// Logits, log-probabilities and activations of a language model against dense gradients times
// updates, through every schedule.

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "model/plain_ops.hpp"
#include "quadrature/fixed_rules.hpp"
#include "unit/tiny_models/tiny.hpp"

// S samples, P positions, C components.

namespace explaind::testing {
namespace {

constexpr const char* functionals[] = {"logit:-1:7", "logit_diff:2:3:11", "logprob:-2:5",
                                       "activation:1:-1:4", "activation:3:1:6"};

/// F of one unpadded sample, written out once more.
at::Tensor value_of(const std::string& text, const Network& network, const Sample& sample,
                    const std::vector<at::Tensor>& weights) {
  PlainOps ops(weights);
  const at::Tensor ids = at::tensor(sample.input_ids, at::kLong).unsqueeze(0);
  const auto length = static_cast<int64_t>(sample.input_ids.size());
  if (text.starts_with("activation")) {
    const bool first = text == functionals[3];
    at::Tensor x = ids;
    for (int64_t block = 0; block <= (first ? 1 : 3); ++block) x = network.block(block, x, ops);
    return first ? x[0][length - 1][4] : x[0][1][6];
  }
  const at::Tensor logits = network.forward(ids, ops)[0];
  if (text == functionals[0]) return logits[length - 1][7];
  if (text == functionals[1]) return logits[2][3] - logits[2][11];
  return at::log_softmax(logits[length - 2], 0)[5];
}

class LanguageFunctionals : public ::testing::TestWithParam<const char*> {
 protected:
  void expect_dense(const Network& network, RunOptions options) const {
    const std::string text = GetParam();
    const std::vector<at::Tensor> from = random_point(network, 3);
    const std::vector<at::Tensor> to = moved(network, from, 4, 0.05);
    const std::vector<Sample> samples = random_samples({5, 9, 6}, network.vocabulary());
    options.solver.functional = parse_functional(text);
    const ScoreTile tile = decompose(network, MemoryTrajectory{{from, to}}, samples, options);
    const ComponentTable table(options.granularity, network.parameters());
    const auto size = static_cast<size_t>(table.size());
    const size_t positions = tile.psi.size() / samples.size() / size;
    for (size_t s = 0; s < samples.size(); ++s) {
      const auto own = [&](const std::vector<at::Tensor>& weights) {
        return value_of(text, network, samples[s], weights);
      };
      EXPECT_NEAR(tile.value_to[s], own(to).item<double>(), 1e-12);
      const std::vector<double> expected =
          sum_to_components(table, dense_scores(network, from, to, samples[s], gauss_rule(4), own));
      for (size_t c = 0; c < size; ++c) {
        double sum = 0;
        for (size_t p = 0; p < positions; ++p) sum += tile.psi[(s * positions + p) * size + c];
        ASSERT_NEAR(sum, expected[c], 1e-12) << table.components()[c].name << ", sample " << s;
      }
    }
  }
};

TEST_P(LanguageFunctionals, AreScoredAsDenseGradientsTimesUpdates) {
  for (const bool tied : {false, true}) {
    DecoderConfig config = tiny_config();
    config.tied = tied;
    const Decoder network(config);
    for (const Granularity granularity : {Granularity::tensor, Granularity::row}) {
      for (const auto& [streamed, form] : {std::pair(false, ProductForm::formed),
                                           {true, ProductForm::formed},
                                           {true, ProductForm::split}}) {
        RunOptions options = fixed_rule("gauss:4");
        options.granularity = granularity;
        options.streamed = streamed;
        options.form = form;
        expect_dense(network, options);
        options.solver.axes.position = true;
        expect_dense(network, options);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LanguageFunctionals, ::testing::ValuesIn(functionals));

TEST(LanguageFunctional, SaysWhichSampleHasNoSuchPosition) {
  const Decoder network(tiny_config());
  const std::vector<at::Tensor> point = random_point(network, 3);
  RunOptions options = fixed_rule("gauss:1");
  options.solver.functional = parse_functional("logit:7:1");
  try {
    decompose(network, MemoryTrajectory{{point, point}},
              random_samples({9, 5}, network.vocabulary()), options);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("sample s1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace explaind::testing
