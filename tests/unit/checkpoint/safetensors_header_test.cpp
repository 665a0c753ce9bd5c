// Every rule of the format, each with its own message.

#include "checkpoint/safetensors_header.hpp"

#include <gmock/gmock.h>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::safetensors;

SafetensorsContents parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "some.safetensors");
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

struct Broken {
  const char* name;
  std::string bytes;
  const char* message;
};

class SafetensorsRules : public ::testing::TestWithParam<Broken> {};

TEST_P(SafetensorsRules, AreCheckedEachWithItsMessage) {
  const std::string message = data_error([&] { parse(GetParam().bytes); });
  EXPECT_THAT(message, HasSubstr(GetParam().message));
  EXPECT_THAT(message, ::testing::StartsWith("some.safetensors: "));
}

std::string one(const std::string& fields, const std::string& data = "") {
  return safetensors(R"({"w":{)" + fields + "}}", data);
}

std::string nested(char bracket, size_t depth) { return std::string(depth, bracket); }

const std::string eight(8, 'x');

INSTANTIATE_TEST_SUITE_P(
    File, SafetensorsRules,
    ::testing::Values(
        Broken{"Empty", "", "0 bytes are too few"},
        Broken{"SevenBytes", std::string(7, '\0'), "7 bytes are too few"},
        Broken{"HeaderPastTheEnd", safetensors("{}").substr(0, 9),
               "the file is cut short: 9 bytes"},
        Broken{"HeaderOverLimit", std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}",
               "a header of 100000001 bytes is over the limit of 100000000"},
        Broken{"HugeHeader", std::string(8, '\xff') + "{}", "over the limit"},
        Broken{"NoHeader", safetensors(""), "does not begin with {"},
        Broken{"HeaderArray", safetensors("[]"), "does not begin with {"},
        Broken{"ByteOrderMark", safetensors("\xef\xbb\xbf{}"), "does not begin with {"},
        Broken{"BadJson", safetensors("{\"w\":}"), "the header is not valid JSON"},
        Broken{"CutJson", safetensors("{\"w\":{"), "the header is not valid JSON"},
        Broken{"TextAfterJson", safetensors("{} x"), "the header is not valid JSON"},
        Broken{"ZeroByte", safetensors(std::string("{}\0x", 4)), "it holds a zero byte"},
        Broken{"BadUtf8", safetensors("{\"\xff\":{}}"), "ill-formed UTF-8"},
        Broken{"NumberOutOfRange", one(R"("dtype":"F32","shape":[1e999],"data_offsets":[0,0])"),
               "the header is not valid JSON"},
        Broken{"NestedArrays", safetensors("{\"w\":" + nested('[', 1000000)),
               "the entry \"w\" is not an object but an array"},
        Broken{"NestedShape", one("\"shape\":" + nested('[', 1000000)), "not an array"},
        Broken{"NestedObjects", one(R"("shape":{"a":{"a":{}}})"),
               "tensor \"w\": shape must be an array, not an object"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Entries, SafetensorsRules,
    ::testing::Values(
        Broken{"EntryNumber", safetensors(R"({"w":3})"),
               "the entry \"w\" is not an object but the number 3"},
        Broken{"EntryNull", safetensors(R"({"w":null})"), "is not an object but null"},
        Broken{"EntryBoolean", safetensors(R"({"w":true})"), "is not an object but a boolean"},
        Broken{"EntryString", safetensors(R"({"w":"F32"})"), "is not an object but a string"},
        Broken{"MetadataNumber", safetensors(R"({"__metadata__":{"step":3}})"),
               "__metadata__ must hold strings, but \"step\" is the number 3"},
        Broken{"MetadataObject", safetensors(R"({"__metadata__":{"a":{}}})"),
               "__metadata__ must hold strings, but \"a\" is an object"},
        Broken{"MetadataString", safetensors(R"({"__metadata__":"pt"})"),
               "the entry \"__metadata__\" is not an object"},
        Broken{"MetadataTwice", safetensors(R"({"__metadata__":{"a":"b","a":"c"}})"),
               "__metadata__ gives \"a\" twice"},
        Broken{"NameTwice",
               safetensors("{" + entry("w", "F32", "[]", "[0,4]") + "," +
                               entry("w", "F32", "[]", "[4,8]") + "}",
                           eight),
               "the name \"w\" is given twice"},
        Broken{"NoDtype", one(R"("shape":[],"data_offsets":[0,0])"), "\"dtype\" is missing"},
        Broken{"NoShape", one(R"("dtype":"F32","data_offsets":[0,0])"), "\"shape\" is missing"},
        Broken{"NoOffsets", one(R"("dtype":"F32","shape":[])"), "\"data_offsets\" is missing"},
        Broken{"FieldTwice", one(R"("dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4])"),
               "the field \"dtype\" is given twice"},
        Broken{"UnknownField", one(R"("dtype":"F32","strides":[1])"), "unknown field \"strides\""},
        Broken{"DtypeNumber", one(R"("dtype":3)"), "dtype must be a string, not the number 3"},
        Broken{"DtypeArray", one(R"("dtype":["F32"])"), "dtype must be a string, not an array"},
        Broken{"ShapeString", one(R"("shape":"2")"), "shape must be an array, not a string"},
        Broken{"ShapeNumber", one(R"("shape":2)"), "shape must be an array, not the number 2"},
        Broken{"OffsetsNull", one(R"("data_offsets":null)"),
               "data_offsets must be an array, not null"},
        Broken{"NegativeExtent", one(R"("shape":[-1])"),
               "shape must hold integers from 0 to 2^63 − 1, not the number -1"},
        Broken{"FractionalExtent", one(R"("shape":[2.5])"), "not the number 2.5"},
        Broken{"StringExtent", one(R"("shape":["2"])"), "shape must hold integers"},
        Broken{"ObjectExtent", one(R"("shape":[{}])"), "shape must hold integers"},
        Broken{"ExtentOf64Bits",
               one(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0])"),
               "not the number 9223372036854775808"},
        Broken{"ExtentOver64Bits", one(R"("shape":[18446744073709551616])"),
               "not the number 18446744073709551616"},
        Broken{"OneOffset", one(R"("dtype":"F32","shape":[],"data_offsets":[0])"),
               "data_offsets must hold two numbers, not 1"},
        Broken{"ThreeOffsets", one(R"("dtype":"F32","shape":[],"data_offsets":[0,4,4])"),
               "data_offsets must hold two numbers, not 3"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Layout, SafetensorsRules,
    ::testing::Values(
        Broken{"UnknownDtype",
               safetensors("{" + entry("w", "F8_E4M3", "[8]", "[0,8]") + "}", eight),
               "tensor \"w\" has the unknown dtype \"F8_E4M3\""},
        Broken{"ProductOverflows",
               safetensors("{" + entry("w", "U8", "[4294967296,4294967296]", "[0,0]") + "}"),
               "the product of its shape overflows"},
        Broken{"ProductOverflowsSigned",
               safetensors("{" + entry("w", "U8", "[4611686018427387904,2]", "[0,0]") + "}"),
               "the product of its shape overflows"},
        Broken{"ProductOverflowsBeforeAZero",
               safetensors("{" + entry("w", "U8", "[4611686018427387904,2,0]", "[0,0]") + "}"),
               "the product of its shape overflows"},
        Broken{"BytesOverflow",
               safetensors("{" + entry("w", "F32", "[4611686018427387904]", "[0,0]") + "}"),
               "the product of its shape overflows"},
        Broken{"EndBeforeBegin", safetensors("{" + entry("w", "U8", "[4]", "[8,4]") + "}", eight),
               "it ends (4) before it begins (8)"},
        Broken{"SizeNotShape", safetensors("{" + entry("w", "F32", "[3]", "[0,8]") + "}", eight),
               "its offsets span 8 bytes, but F32 of shape [3] takes 12"},
        Broken{"PastTheEnd", safetensors("{" + entry("w", "F32", "[3]", "[0,12]") + "}", eight),
               "it ends at byte 12 of the data, past the end of the file (8 bytes of data)"},
        Broken{"FirstNotAtZero", safetensors("{" + entry("w", "F32", "[1]", "[4,8]") + "}", eight),
               "the first tensor, \"w\", begins at byte 4, not at 0"},
        Broken{"Gap",
               safetensors("{" + entry("b", "U8", "[2]", "[6,8]") + "," +
                               entry("a", "U8", "[4]", "[0,4]") + "}",
                           eight),
               "there is a gap between the tensors \"a\" and \"b\" (bytes 4 to 6)"},
        Broken{"Overlap",
               safetensors("{" + entry("a", "U8", "[6]", "[0,6]") + "," +
                               entry("b", "U8", "[4]", "[4,8]") + "}",
                           eight),
               "the tensors \"a\" and \"b\" overlap (the first ends at 6, the second begins at 4)"},
        Broken{"TrailingBytes", safetensors("{" + entry("w", "U8", "[5]", "[0,5]") + "}", eight),
               "3 trailing bytes belong to no tensor"},
        Broken{"DataWithoutTensors", safetensors("{}", eight), "8 trailing bytes"}),
    [](const auto& test) { return test.param.name; });

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  const std::string file = safetensors("{" + entry("late", "F32", "[1,1]", "[4,8]") +
                                           R"(,"__metadata__":{"format":"pt","step":"7"},)" +
                                           entry("early", "BF16", "[2]", "[0,4]") + "}  ",
                                       "abcdefgh");
  const SafetensorsContents contents = parse(file);
  ASSERT_EQ(contents.tensors.size(), 2U);
  EXPECT_EQ(contents.tensors[0].name, "early");
  EXPECT_EQ(contents.tensors[0].dtype, Dtype::bf16);
  EXPECT_THAT(contents.tensors[0].shape, ElementsAre(2));
  EXPECT_EQ(contents.tensors[0].bytes, 4U);
  EXPECT_EQ(static_cast<char>(*contents.tensors[0].data), 'a');
  EXPECT_EQ(contents.tensors[1].name, "late");
  EXPECT_THAT(contents.tensors[1].shape, ElementsAre(1, 1));
  EXPECT_EQ(static_cast<char>(*contents.tensors[1].data), 'e');
  EXPECT_EQ(contents.metadata.at("format"), "pt");
  EXPECT_EQ(contents.metadata.at("step"), "7");
}

TEST(Safetensors, ScalarsEmptyTensorsAndNoTensorsAreLegal) {
  const SafetensorsContents contents = parse(safetensors(
      "{" + entry("scalar", "U8", "[]", "[0,1]") + "," + entry("none", "F64", "[3,0]", "[1,1]") +
          "," + entry("first", "F64", "[0]", "[0,0]") + "}",
      "s"));
  ASSERT_EQ(contents.tensors.size(), 3U);
  EXPECT_EQ(contents.tensors[0].elements(), 0);
  EXPECT_EQ(contents.tensors[1].name, "scalar");
  EXPECT_EQ(contents.tensors[1].elements(), 1);
  EXPECT_EQ(contents.tensors[2].elements(), 0);
  EXPECT_THAT(parse(safetensors("{}")).tensors, IsEmpty());
}

TEST(Safetensors, KnowsEveryDtypeItsNameAndSize) {
  const std::vector<std::pair<std::string, size_t>> expected = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  for (const auto& [name, size] : expected) {
    const std::string text =
        safetensors("{" + entry("w", name, "[3]", "[0," + std::to_string(3 * size) + "]") + "}",
                    std::string(3 * size, 'x'));
    const TensorView tensor = parse(text).tensors.at(0);
    EXPECT_EQ(to_string(tensor.dtype), name);
    EXPECT_EQ(dtype_size(tensor.dtype), size);
    EXPECT_EQ(is_floating(tensor.dtype), name.find('F') != std::string::npos);
  }
}

}  // namespace
}  // namespace explaind
