// Objects in pickles of training programs: read as their parts, never made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/pickle_names.hpp"
#include "checkpoint/unpickler.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind {
namespace {

using testing::data_error;
using testing::Entries;
using ::testing::HasSubstr;
using testing::pickle;
using testing::pickled;

PlainData read_object(const std::string& pickle,
                      const RecordTypes& records = {.names = training_names()}) {
  return unpickle_plain_data({reinterpret_cast<const std::byte*>(pickle.data()), pickle.size()},
                             "x", records);
}
template <typename Pickle>
std::string refusal(const Pickle& pickle,
                    const RecordTypes& records = {.names = training_names()}) {
  return data_error([&] { read_object(pickle, records); });
}

/// As torch.save writes an instance of a class of Python: NEWOBJ and its fields.
const std::string arguments =
    pickle("cargparse\nNamespace\n)\x81" + pickled(Entries{{"num_layers", "K\x03"}}) + "b");

TEST(PickledObject, IsReadAsItsFields) {
  const PlainData data = read_object(arguments);
  const auto* object = data.as<PlainObject>();
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->type, "argparse.Namespace");
  ASSERT_NE(data.find("num_layers"), nullptr);
  EXPECT_EQ(*data.find("num_layers")->as<int64_t>(), 3);
  EXPECT_EQ(data.find("num_heads"), nullptr);
}

TEST(PickledObject, IsRefusedWhereTensorsAloneBelong) {
  EXPECT_THAT(refusal(arguments, {}),
              HasSubstr("its pickle names argparse.Namespace, which no state dict needs (nothing"));
}

TEST(PickledObject, OfAnEnumerationIsItsMember) {
  const std::string stage = "cdeepspeed.runtime.zero.config\nZeroStageEnum\n";
  // Python 3.11: getattr(ZeroStageEnum, 'weights'); others: ZeroStageEnum(3).
  const PlainData named = read_object(
      pickle("c__builtin__\ngetattr\n(" + stage + pickled(std::string("weights")) + "tR"));
  ASSERT_NE(named.as<PlainObject>(), nullptr);
  EXPECT_EQ(*named.as<PlainObject>()->arguments.at(0).as<std::string_view>(), "weights");
  const PlainData numbered = read_object(pickle(stage + "(K\x03tR"));
  EXPECT_EQ(*numbered.as<PlainObject>()->arguments.at(0).as<int64_t>(), 3);
}

TEST(PickledObject, OfAnotherClassIsRefusedByName) {
  EXPECT_THAT(refusal(pickle("cmylib.config\nSecret\n)\x81}b")),
              HasSubstr("its pickle names mylib.config.Secret, which no state dict needs "
                        "(nothing of it was run)"));
  for (const char* name : {"os\nsystem", "builtins\neval", "builtins\nexec", "operator\nattrgetter",
                           "torch\nload", "argparse\nArgumentParser", "functools\npartial"}) {
    EXPECT_THAT(refusal(pickle(std::string("c") + name + "\n")), HasSubstr("its pickle names "));
  }
}

TEST(PickledObject, IsLookedUpInItsClassAlone) {
  // getattr of what is no class of a training program, which would lead anywhere.
  EXPECT_THAT(refusal(pickle("c__builtin__\ngetattr\n(ctorch\nFloatStorage\n" +
                             pickled(std::string("__init__")) + "tR")),
              HasSubstr("its pickle looks into torch.FloatStorage"));
  EXPECT_THAT(refusal(pickle("c__builtin__\ngetattr\n(" + pickled(std::string("x")) +
                             pickled(std::string("y")) + "tR")),
              HasSubstr("looks into something that is no class"));
  EXPECT_THAT(refusal(pickle("ctorch\nFloatStorage\n)\x81")),
              HasSubstr("makes an object of torch.FloatStorage"));
}

TEST(PickledObject, ThatIsAListOrADictIsReadAsThat) {
  const PlainData size = read_object(pickle("ctorch\nSize\n((K\x02K\x03ttR"));
  ASSERT_NE(size.as<PlainList>(), nullptr);
  EXPECT_EQ(*size.as<PlainList>()->items.at(1).as<int64_t>(), 3);
  const PlainData dict = read_object(pickle("ccollections\ndefaultdict\n(c__builtin__\ndict\ntR" +
                                            pickled(std::string("a")) + "K\x01s"));
  ASSERT_NE(dict.find("a"), nullptr);
  EXPECT_EQ(*read_object(pickle("ctorch\nbfloat16\n")).as<std::string_view>(), "torch.bfloat16");
}

TEST(PickledObject, InACircleIsRefused) {
  EXPECT_THAT(refusal(pickle("cargparse\nNamespace\n)\x81q\x01}" + pickled(std::string("self")) +
                             "h\x01sb")),
              HasSubstr("its pickle is nested too deeply"));
}

}  // namespace
}  // namespace explaind
