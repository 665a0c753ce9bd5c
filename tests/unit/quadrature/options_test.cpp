#include "quadrature/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "core/error.hpp"

namespace explaind {
namespace {

using testing::HasSubstr;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    return error.what();
  }
  return "";
}

TEST(ParseQuadrature, ReadsEveryRule) {
  QuadratureOptions options;
  parse_quadrature("gauss:7", options);
  EXPECT_EQ(options.rule, "gauss");
  EXPECT_EQ(options.nodes, 7);
  parse_quadrature("midpoint:100", options);
  EXPECT_EQ(options.rule, "midpoint");
  EXPECT_EQ(options.nodes, 100);
  parse_quadrature("adaptive", options);
  EXPECT_EQ(options.rule, "adaptive");
  EXPECT_EQ(options.nodes, 0);
  parse_quadrature("gauss:1000", options);
  EXPECT_EQ(options.nodes, 1000);
  parse_quadrature("midpoint:1", options);
  EXPECT_EQ(options.nodes, 1);
}

TEST(ParseQuadrature, RefusesAnythingElseAndLeavesTheOptionsAlone) {
  for (const char* text : {"",          "gauss",      "gauss:",     "gauss:0",
                           "gauss:-3",  "gauss:1001", "gauss:3.5",  "gauss:3 ",
                           "gauss: 3",  "gauss:+3",   "gauss:3:4",  "gauss:99999999999999",
                           "Gauss:3",   "midpoint",   "midpoint:0", "midpoint:1000001",
                           "simpson:3", "adaptive:9", "adaptive ",  ":3"}) {
    QuadratureOptions options{.rule = "gauss", .nodes = 5};
    const std::string message = message_of([&] { parse_quadrature(text, options); });
    EXPECT_THAT(message, HasSubstr("--quadrature")) << text;
    EXPECT_THAT(message, HasSubstr("'" + std::string(text) + "'"));
    EXPECT_THAT(message, HasSubstr("gauss:N"));
    EXPECT_EQ(options.rule, "gauss");
    EXPECT_EQ(options.nodes, 5);
  }
}

TEST(CheckQuadrature, AcceptsTheDefaultsAndEveryLevel) {
  EXPECT_NO_THROW(check_quadrature({}));
  for (const int n : {9, 17, 33, 65, 129}) {
    EXPECT_NO_THROW(check_quadrature({.max_nodes = n})) << n;
  }
  EXPECT_NO_THROW(check_quadrature({.relative = 0, .absolute = 0, .max_kink_nodes = 17}));
}

TEST(CheckQuadrature, NamesTheOptionThatIsImpossible) {
  for (const int n : {-1, 0, 5, 8, 10, 16, 128, 130, 257}) {
    EXPECT_THAT(message_of([n] { check_quadrature({.max_nodes = n}); }), HasSubstr("--max-nodes"))
        << n;
  }
  EXPECT_THAT(message_of([] { check_quadrature({.max_kink_nodes = 16}); }),
              HasSubstr("--max-kink-nodes"));
  for (const double bad :
       {-1e-9, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(message_of([bad] { check_quadrature({.relative = bad}); }),
                HasSubstr("--tolerance"));
    EXPECT_THAT(message_of([bad] { check_quadrature({.absolute = bad}); }),
                HasSubstr("--absolute-tolerance"));
  }
  EXPECT_THAT(message_of([] { check_quadrature({.rule = "gauss", .nodes = 0}); }),
              HasSubstr("--quadrature"));
}

}  // namespace
}  // namespace explaind
