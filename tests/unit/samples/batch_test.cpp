// Padding, targets and weights of micro-batches.

#include "samples/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::ElementsAre;

Sample sample(std::vector<int64_t> ids, std::vector<int64_t> labels) {
  Sample made;
  made.input_ids = std::move(ids);
  made.labels = std::move(labels);
  return made;
}

class MicroBatches : public ::testing::Test {
 protected:
  std::vector<Sample> samples = {sample({5, 6, 7}, {5, 6, 7}),
                                 sample({1, 2, 3, 4, 9}, {1, -100, 3, -100, 9}),
                                 sample({8, 8}, {8, 8})};
};

TEST_F(MicroBatches, TargetsAreTheNextLabelsAndPaddingIsIgnored) {
  const MicroBatch batch = make_micro_batch(samples, Functional::loss());
  EXPECT_EQ(batch.size(), 3);
  EXPECT_EQ(batch.positions, 5);
  EXPECT_THAT(batch.lengths, ElementsAre(3, 5, 2));
  EXPECT_THAT(batch.input_ids, ElementsAre(5, 6, 7, 0, 0, 1, 2, 3, 4, 9, 8, 8, 0, 0, 0));
  EXPECT_THAT(batch.targets, ElementsAre(6, 7, -100, -100, -100,  //
                                         -100, 3, -100, 9, -100,  //
                                         8, -100, -100, -100, -100));
}

TEST_F(MicroBatches, WeightsMakeMeansOrSums) {
  EXPECT_THAT(make_micro_batch(samples, Functional::loss()).weights, ElementsAre(0.5, 0.5, 1.0));
  EXPECT_THAT(make_micro_batch(samples, Functional::loss_sum()).weights, ElementsAre(1, 1, 1));
}

TEST_F(MicroBatches, ASubsetKeepsOrderAndPadding) {
  const MicroBatch batch = make_micro_batch(samples, Functional::loss());
  const std::array<int64_t, 2> members = {2, 0};
  const MicroBatch part = batch.subset(members);
  EXPECT_EQ(part.positions, 5);
  EXPECT_THAT(part.lengths, ElementsAre(2, 3));
  EXPECT_THAT(part.input_ids, ElementsAre(8, 8, 0, 0, 0, 5, 6, 7, 0, 0));
  EXPECT_THAT(part.targets, ElementsAre(8, -100, -100, -100, -100, 6, 7, -100, -100, -100));
  EXPECT_THAT(part.weights, ElementsAre(1.0, 0.5));
}

TEST(ParseFunctional, KnowsItsWords) {
  const Functional difference = parse_functional("logit_diff:-2:30:7");
  EXPECT_EQ(difference->reading(), Reading::logits);
  EXPECT_EQ(difference->position(), -2);
  EXPECT_THAT(difference->terms(), ElementsAre(FunctionalTerm{30, 1}, FunctionalTerm{7, -1}));
  EXPECT_EQ(parse_functional("logit_diff:3:4")->position(), std::nullopt);
  EXPECT_TRUE(parse_functional("logit")->every_output());
  EXPECT_THAT(parse_functional("logprob:label")->terms(),
              ElementsAre(FunctionalTerm{FunctionalTerm::own_label, 1}));
  EXPECT_THAT(parse_functional("loss")->terms(),
              ElementsAre(FunctionalTerm{FunctionalTerm::own_label, -1}));
  EXPECT_EQ(parse_functional("activation:3:-1:15")->block(), 3);
  EXPECT_EQ(parse_functional("activation:fc.weight")->layer(), "fc.weight");
  EXPECT_TRUE(parse_functional("activation:fc.weight")->every_output());
  EXPECT_THAT(parse_functional("activation:fc.weight:2")->terms(),
              ElementsAre(FunctionalTerm{2, 1}));
  for (const char* wrong : {"accuracy", "", "loss:1", "logit:1:2:3", "logit:", "logit:x",
                            "logit_diff:1", "logit:-3", "activation::2", "activation", "logprob"}) {
    EXPECT_THROW(parse_functional(wrong), UsageError) << wrong;
  }
}

TEST(ParseFunctional, TellsLanguageModelsFromClassifiers) {
  for (const char* text : {"loss", "loss_sum", "logit:0:9", "activation:3:-1:15"}) {
    EXPECT_NO_THROW(parse_functional(text)->require_of_language_model(10, 4, 16)) << text;
  }
  for (const char* text : {"logit", "logit:3", "logit:0:10", "logit_diff:label:1", "logit:0:label",
                           "activation:4:-1:15", "activation:3:-1:16"}) {
    EXPECT_THROW(parse_functional(text)->require_of_language_model(10, 4, 16), UsageError) << text;
  }
  for (const char* text : {"loss", "logit", "logit:9", "logit_diff:label:3", "logprob:label"}) {
    EXPECT_NO_THROW(parse_functional(text)->require_of_classifier(10)) << text;
  }
  for (const char* text : {"loss_sum", "logit:10", "logit:0:3", "activation:0:0:0",
                           "activation:fc.weight:10", "activation:fc.weight:-2"}) {
    EXPECT_THROW(parse_functional(text)->require_of_classifier(10), UsageError) << text;
  }
}

}  // namespace
}  // namespace explaind
