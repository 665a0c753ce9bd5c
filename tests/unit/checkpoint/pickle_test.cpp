// Pickles that would multiply memory or time, and names that are refused where they stand.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "checkpoint/unpickler.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_torch.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using testing::pickle;
using testing::pickled;
using testing::PickledView;

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string number(size_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}
/// BINUNICODE
std::string text(const std::string& content) { return "X" + number(content.size(), 4) + content; }
std::string repeated(const std::string& part, size_t times) {
  std::string all;
  all.reserve(part.size() * times);
  for (size_t i = 0; i < times; ++i) all += part;
  return all;
}

constexpr size_t megabyte = 1U << 20;

/// Runs `work` with at most this much more memory than the process has, and ends with 0.
[[noreturn]] void run_within(size_t bytes, const std::function<void()>& work) {
  size_t pages = 0;
  FILE* status = std::fopen("/proc/self/statm", "r");
  if (status == nullptr || std::fscanf(status, "%zu", &pages) != 1) std::exit(2);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const rlim_t limit = pages * page + bytes;
  const rlimit limits{.rlim_cur = limit, .rlim_max = limit};
  if (setrlimit(RLIMIT_AS, &limits) != 0) std::exit(3);
  try {
    work();
  } catch (const DataError&) {  // refused, without the memory
  }
  std::exit(0);
}

void expect_within(size_t bytes, const std::function<void()>& work) {
  EXPECT_EXIT(run_within(bytes, work), ::testing::ExitedWithCode(0), "");
}

/// memo 0 holds `value`; a list of what `times` uses of it give.
std::string recalled(const std::string& value, size_t times, const std::string& use) {
  return "\x80\x02" + value + "q" + std::string(1, '\0') + "0](" + repeated(use, times) + "e.";
}

const std::string recall("h\0", 2);

class Multiplying : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(Multiplying, PicklesTakeMemoryAsTheyAreLong) {
  const std::string& pickle = GetParam().second;
  const size_t allowed = 64 * megabyte + 300 * pickle.size();
  expect_within(allowed, [&] { unpickle_plain_data(bytes_of(pickle), "x"); });
  expect_within(allowed, [&] { unpickle_state_dict(bytes_of(pickle), "x"); });
}

/// A list of two copies of a list of two copies of … 30 deep: 2^30 values.
std::string doubling() {
  std::string pickle = "\x80\x02]q" + std::string(1, '\0');
  for (int i = 1; i <= 30; ++i) {
    const std::string last = "h" + std::string(1, static_cast<char>(i - 1));
    pickle += "0](" + last + last + "eq" + std::string(1, static_cast<char>(i));
  }
  return pickle + ".";
}

const std::string long_text = text(std::string(megabyte, 'a'));
const std::string storage_tuple =
    "(" + text("storage") + "ctorch\nFloatStorage\n" + long_text + text("cpu") + "K\1tQ";
const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n(" + storage_tuple +
                           "K\1)"
                           ")\x89Nt"
                           "R";

INSTANTIATE_TEST_SUITE_P(
    Each, Multiplying,
    ::testing::Values(std::pair{"Text", recalled(long_text, 100'000, recall)},
                      std::pair{"TextInTuples", recalled(long_text, 100'000, recall + "\x85")},
                      std::pair{"KeyOfAStorage", recalled(storage_tuple, 100'000, recall)},
                      std::pair{"KeyOfATensor", recalled(tensor, 100'000, recall)},
                      std::pair{"TextMemorised",
                                "\x80\x04" + long_text + repeated("\x94", 100'000) + "."},
                      std::pair{"NamesOfGlobals", "\x80\x04" + long_text + "\x94" +
                                                      repeated("h\0h\0\x93", 1000) + "."},
                      std::pair{"Doubling", doubling()},
                      std::pair{"Operations", "\x80\x02(" + repeated("]", 20 * megabyte) + "t."}),
    [](const auto& tested) { return std::string(tested.param.first); });

TEST(Pickles, OfTooManyOperationsAreRefused) {
  const std::string pickle = "\x80\x02(" + repeated("N", 6'000'000) + "t.";
  EXPECT_THAT(data_error([&] { unpickle_plain_data(bytes_of(pickle), "x"); }),
              HasSubstr("takes more than 5000000 operations"));
}

TEST(Pickles, QuoteLongNamesShortly) {
  const std::string name(megabyte, 'n');
  const std::string pickle = "\x80\x04" + text("os\x1b[2J") + text(name) + "\x93.";
  const std::string error = data_error([&] { unpickle_plain_data(bytes_of(pickle), "x"); });
  EXPECT_THAT(error, HasSubstr("os?[2J.nnn"));  // no control characters on the user's terminal
  EXPECT_LT(error.size(), 1000U);
  const std::string endless =
      "\x80\x02"
      "c" +
      name;
  EXPECT_THAT(data_error([&] { unpickle_plain_data(bytes_of(endless), "x"); }),
              HasSubstr("endless name"));
}

TEST(Pickles, OfSeveralModelsAreNotChosenFrom) {
  const std::string state = pickled({{"w", pickled(PickledView{})}});
  EXPECT_EQ(
      unpickle_state_dict(bytes_of(pickle(pickled({{"model", state}}))), "x").tensors.at(0).name,
      "w");
  EXPECT_THAT(data_error([&] {
                unpickle_state_dict(
                    bytes_of(pickle(pickled({{"model", state}, {"state_dict", state}}))), "x");
              }),
              HasSubstr("holds the states of two models, \"model\" and \"state_dict\""));
  EXPECT_THAT(data_error([&] {
                unpickle_state_dict(
                    bytes_of(pickle(pickled({{"w", pickled(PickledView{})}, {"more", state}}))),
                    "x");
              }),
              HasSubstr("its entry \"more\" holds tensors beside others that are weights"));
}

TEST(Pickles, OfOneModelAreFoundUnderAnyName) {
  const std::string view = pickled(PickledView{});
  const std::string state = pickled({{"a.w", view}});
  const auto entry = [](const std::string& bytes) {
    return unpickle_state_dict(bytes_of(pickle(bytes)), "x").entry;
  };
  EXPECT_EQ(entry(pickled({{"ema", state}})), "ema");
  EXPECT_EQ(entry(pickled({{"run", pickled({{"now", state}})}})), "run/now");
  EXPECT_EQ(entry(pickled({{"model", state}, {"ema", state}})), "model");  // a known name first
  EXPECT_EQ(entry(pickled({{"model", state}, {"generator", view}})), "model");
  EXPECT_EQ(entry(pickled({{"w", view}})), "");
  const std::string error = data_error([&] { entry(pickled({{"ema", state}, {"raw", state}})); });
  EXPECT_THAT(error, HasSubstr("holds the states of two models, \"ema\" and \"raw\""));
  EXPECT_THAT(error, HasSubstr("' x ema` (or: raw)"));  // the command names the entry
}

TEST(Pickles, ThatAreBrokenAreRefusedByWhatIsExpected) {
  const std::string tensor_function = "ctorch._utils\n_rebuild_tensor_v2\n";
  const std::vector<std::pair<std::string, std::string>> broken{
      {"t", "no mark"},
      {"0", "empty stack"},
      {std::string("q\0", 2), "empty stack"},
      {"NNR", "arguments expected"},
      {"N)R", "name expected"},
      {"NNa", "list expected"},
      {"NNNs", "dict expected"},
      {tensor_function + ")R", "storage expected"},
      {pickled(PickledView{.word = "module"}), "refers to something that is no storage"},
      {pickled(PickledView{.type = "collections\nOrderedDict"}),
       "has a storage of type collections.OrderedDict"},
      {pickled(PickledView{.view = "K\1"}), "has a view of a storage"},
      {pickled(PickledView{.shape = std::vector<int64_t>(17, 1)}), "of too high a rank"},
      {"}K\1" + pickled(PickledView{}) + "s", "its dict has a key that is no text"}};
  for (const auto& [bytes, words] : broken) {
    EXPECT_THAT(data_error([&, text = pickle(bytes)] { unpickle_state_dict(bytes_of(text), "x"); }),
                HasSubstr(words));
  }
  EXPECT_THAT(
      data_error([&] { unpickle_plain_data(bytes_of(pickle(")" + repeated("\x85", 40))), "x"); }),
      HasSubstr("nested too deeply"));
}

// As torch.save writes a DTensor, or a moment of an 8-bit optimizer: what it is is said by the
// type.
TEST(Pickles, OfTensorsThatWrapOthersAreRefusedByTheirType) {
  const std::string function = "ctorch._utils\n_rebuild_wrapper_subclass\n",
                    type = "ctorchao.optim.subclass_8bit\nOptimState8bit\n", rest = "q\4K\1K\2tR.";
  const auto error = [](const std::string& pickle, bool weights) {
    return data_error([&] {
      if (weights) {
        unpickle_state_dict(bytes_of(pickle), "x");
      } else {
        unpickle_plain_data(bytes_of(pickle), "x");
      }
    });
  };
  for (const std::string& between :
       {std::string("("), std::string("q\3("), std::string("r\0\1\0\0(", 6)}) {
    const std::string pickle = "\x80\x02}" + text("exp_avg") + function + between + type + rest;
    const std::string of_optimizer = error(pickle, false), of_weights = error(pickle, true);
    for (const std::string& each : {of_optimizer, of_weights}) {
      EXPECT_THAT(each,
                  HasSubstr("holds a tensor of type torchao.optim.subclass_8bit.OptimState8bit, "
                            "which wraps other tensors (nothing of it was run)"));
    }
    EXPECT_THAT(of_optimizer, AllOf(HasSubstr("8 or 4 bits"), HasSubstr("torch.optim.AdamW"),
                                    HasSubstr("leave out --source steps")));
    EXPECT_THAT(of_weights, AllOf(HasSubstr("dequantize()"), HasSubstr("full_tensor()")));
  }
  for (const std::string& end : {std::string("."), std::string("(N."), std::string("q\3)R.")}) {
    EXPECT_THAT(error("\x80\x02" + function + end, false),
                HasSubstr("another type than torch.Tensor"));
  }
  EXPECT_THAT(error("\x80\x02" + function + "(", false), HasSubstr("cut short"));
  EXPECT_THAT(error("\x80\x02" + function + "(cos\x1b[2J\nx\n.", false), HasSubstr("os?[2J.x"));
}

// A name that is not allowed is refused where it stands, though nothing ever calls it.
TEST(Pickles, NameNothingForbiddenEvenWhereItIsNotCalled) {
  const std::string state = "}q\1.", line = "cos\nsystem\n";
  const std::string stacked = text("os") + text("system") + "\x93";
  for (const std::string& pickle : {"\x80\x02" + line + "0" + state,       // dropped at once
                                    "\x80\x02(" + line + "1" + state,      // dropped with its mark
                                    "\x80\x02" + line + "q\0010" + state,  // kept in the memo alone
                                    "\x80\x04" + stacked + "0" + state,  // the other way to name it
                                    "\x80\x04" + stacked +
                                        "\x94"
                                        "0" +
                                        state,
                                    "\x80\x02}" + text("a") + line + "s.",  // a value
                                    "\x80\x02}" + line + "K\1s.",           // a key
                                    "\x80\x02]" + line + "a0" + state,  // in a list that is dropped
                                    "\x80\x02}" + line + "b."}) {       // attributes
    for (const bool weights : {false, true}) {
      EXPECT_THAT(data_error([&] {
                    if (weights) {
                      unpickle_state_dict(bytes_of(pickle), "x");
                    } else {
                      unpickle_plain_data(bytes_of(pickle), "x");
                    }
                  }),
                  HasSubstr("its pickle names os.system, which no state dict needs (nothing of it "
                            "was run)"));
    }
  }
  for (const char* name : {"builtins\neval", "torch\nload", "torch.storage\n_load_from_bytes",
                           "collections\nOrderedDictX", "torch\nFloatStorage.x", "\n"}) {
    const std::string pickle =
        "\x80\x02"
        "c" +
        std::string(name) + "\n0}.";
    EXPECT_THAT(data_error([&] { unpickle_state_dict(bytes_of(pickle), "x"); }),
                HasSubstr("its pickle names "))
        << name;
  }
}

}  // namespace
}  // namespace explaind
