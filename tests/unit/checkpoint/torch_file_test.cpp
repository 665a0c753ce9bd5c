// pytorch_model.bin as PyTorch writes it, and pickles that must be refused without being run
// (golden: tests/goldens/torch_files).

#include "checkpoint/torch_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/convert.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/unpickler.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_torch.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::pickle;
using testing::pickled;
using testing::PickledView;
using testing::read_bytes;
using testing::small_config;
using testing::TemporaryFolder;
using testing::write_bytes;

const fs::path golden = fs::path(EXPLAIND_TEST_DATA) / "torch_files";

const std::map<std::string, Dtype> dtypes{{"float32", Dtype::f32},   {"float64", Dtype::f64},
                                          {"bfloat16", Dtype::bf16}, {"float16", Dtype::f16},
                                          {"int64", Dtype::i64},     {"bool", Dtype::boolean}};

class StateDict : public ::testing::TestWithParam<std::string> {};

TEST_P(StateDict, HoldsWhatPyTorchPutThere) {
  const TorchFile file(golden / GetParam());
  std::map<std::string, TensorView> found;
  for (const TensorView& tensor : file.tensors()) found.emplace(tensor.name, tensor);
  const nlohmann::json values = read_json_object(golden / "values.json");
  ASSERT_EQ(found.size(), values.size());
  for (const auto& [name, expected] : values.items()) {
    SCOPED_TRACE(name);
    const TensorView& tensor = found.at(name);
    EXPECT_EQ(tensor.shape, expected["shape"].get<std::vector<int64_t>>());
    EXPECT_EQ(tensor.dtype, dtypes.at(expected["dtype"]));
    const auto wanted = expected["values"].get<std::vector<double>>();
    ASSERT_EQ(tensor.elements(), static_cast<int64_t>(wanted.size()));
    if (!is_floating(tensor.dtype)) continue;
    std::vector<double> actual(wanted.size());
    to_double(tensor, actual);
    EXPECT_EQ(actual, wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, StateDict,
                         ::testing::Values("state.bin", "protocol4.bin", "old.bin", "strided.bin",
                                           "wrapped.bin"),
                         [](const auto& tested) {
                           return tested.param.substr(0, tested.param.find('.'));
                         });

TEST(EvilPickles, AreRefusedByNameAndNeverRun) {
  const nlohmann::json quotes = read_json_object(golden / "evil.json");
  EXPECT_GE(quotes.size(), 20U);
  for (const auto& [name, quote] : quotes.items()) {
    SCOPED_TRACE(name);
    const fs::path path = golden / "evil" / (name + ".bin");
    EXPECT_THAT(data_error([&] { const TorchFile file(path); }),
                AllOf(HasSubstr(path.string()), HasSubstr(quote.get<std::string>()),
                      HasSubstr("nothing of it was run")));
    EXPECT_FALSE(fs::exists("EVIL"));
  }
}

TEST(TorchFile, CutShortIsNamed) {
  const TemporaryFolder directory;
  const std::string whole = read_bytes(golden / "state.bin");
  for (const size_t size : {size_t{0}, size_t{1}, size_t{30}, whole.size() / 2, whole.size() - 1}) {
    write_bytes(directory / "pytorch_model.bin", whole.substr(0, size));
    EXPECT_THAT(data_error([&] { const TorchFile file(directory / "pytorch_model.bin"); }),
                HasSubstr("pytorch_model.bin"))
        << size;
  }
  const std::string old = read_bytes(golden / "old.bin");
  for (size_t size = 1; size < old.size(); size += 7) {
    write_bytes(directory / "old.bin", old.substr(0, size));
    EXPECT_THAT(data_error([&] { const TorchFile file(directory / "old.bin"); }),
                AllOf(HasSubstr("old.bin"), HasSubstr("cut short")))
        << size;
  }
}

TEST(TorchFile, TensorsLieInsideTheirStorage) {
  const TemporaryFolder directory;
  const auto open = [&](const std::string& archive) {
    write_bytes(directory / "w.bin", archive);
    const TorchFile file(directory / "w.bin");
  };
  const auto of = [](const PickledView& tensor) {
    return testing::torch_archive(pickle(pickled({{"w", pickled(tensor)}})), std::string(16, 0));
  };
  open(of({}));
  open(of({.offset = 4, .shape = {0}}));
  constexpr int64_t most = INT64_MAX;
  const std::vector<std::pair<std::string, std::string>> broken{
      {of({.key = "1"}), "the storage of the tensor \"w\" is missing"},
      {of({.strides = {1, 1}}), "has strides of another rank"},
      {of({.elements = 5}), "has a storage that is cut short"},
      {of({.shape = {-1}}), "has a negative extent or stride"},
      {of({.strides = {-1}}), "has a negative extent or stride"},
      {of({.shape = {most}, .strides = {2}}), "is larger than any file"},
      {of({.offset = 1}), "lies outside its storage"},
      {of({.offset = -1}), "lies outside its storage"},
      {of({.shape = {2}, .strides = {4}}), "lies outside its storage"},
      {of({.offset = 5, .shape = {0}}), "lies outside its storage"},
      {testing::torch_archive(
           pickle(pickled({{"w", pickled(PickledView{})}, {"w", pickled(PickledView{})}})),
           std::string(16, 0)),
       "the tensor \"w\" is there twice"},
      {testing::torch_archive(pickle(pickled({{"w", pickled(PickledView{})}})), std::string(16, 0),
                              "big"),
       "was written by a machine of another byte order"},
      {testing::zip({{"constants.pkl", "x"}}), "is a TorchScript program"},
      {testing::zip({{"notes.txt", "x"}}), "but not of torch.save: it holds no data.pkl"}};
  for (const auto& [archive, words] : broken) {
    EXPECT_THAT(data_error([&, bytes = archive] { open(bytes); }),
                AllOf(HasSubstr("w.bin: "), HasSubstr(words)));
  }
}

TEST(TorchFile, SaysWhatItLeavesOutAndCopies) {
  EXPECT_TRUE(TorchFile(golden / "state.bin").notes().empty());
  EXPECT_THAT(TorchFile(golden / "wrapped.bin").notes(),
              ElementsAre(HasSubstr("the weights are those of its entry \"model\"")));
  EXPECT_THAT(TorchFile(golden / "strided.bin").notes(),
              ElementsAre(HasSubstr("do not lie row by row; a copy of")));
}

TEST(TorchFile, IsKnownByItsContentNotItsName) {
  const TemporaryFolder directory;
  fs::copy_file(golden / "state.bin", directory / "model.safetensors");
  EXPECT_EQ(open_weight_file(directory / "model.safetensors")->tensors().size(), 10U);
  write_bytes(directory / "pytorch_model.bin", testing::one_vector("w", {1, 2}));
  EXPECT_EQ(open_weight_file(directory / "pytorch_model.bin")->tensors().size(), 1U);
  write_bytes(directory / "pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT(data_error([&] { open_weight_file(directory / "pytorch_model.bin"); }),
              HasSubstr("is a Git LFS pointer"));
}

TEST(TorchFile, AnElementRepeatedIsNotCopiedWithoutEnd) {
  // A storage of one element as a tensor of 2^40: (names as PyTorch writes them, no protocol 4)
  const std::string zeros(3, '\0'), zero("K\0", 2), many("J\0\0\x10\0", 5);
  const std::string pickle = "\x80\x02}X\1" + zeros + "wctorch._utils\n_rebuild_tensor_v2\n((X\7" +
                             zeros + "storagectorch\nFloatStorage\nX\1" + zeros + "0X\3" + zeros +
                             "cpuK\1tQ" + zero + many + many + "\x86" + zero + zero +
                             "\x86\x89NtRs.";
  const PickledTensor tensor =
      unpickle_state_dict({reinterpret_cast<const std::byte*>(pickle.data()), pickle.size()}, "x")
          .tensors.at(0);
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{1 << 20, 1 << 20}));
  const std::vector<std::byte> storage(4);
  ContiguousCopies copies(1 << 20);
  EXPECT_THAT(
      data_error([&] { copies.copy(tensor, storage, "there"); }),
      AllOf(HasSubstr("there: the tensor \"w\" repeats the elements"), HasSubstr(".clone()")));
  EXPECT_EQ(copies.bytes(), 0U);
}

TEST(TorchFile, IsIdentifiedByItsContents) {
  const TemporaryFolder directory;
  std::string bytes = read_bytes(golden / "state.bin");
  const auto header_of = [&](const std::string& text) {
    write_bytes(directory / "a.bin", text);
    const TorchFile file(directory / "a.bin");
    const auto* data = reinterpret_cast<const char*>(file.header().data());
    return std::string(data, file.header().size());
  };
  EXPECT_EQ(header_of(bytes), header_of(bytes));
  EXPECT_NE(header_of(bytes), header_of(read_bytes(golden / "protocol4.bin")));
}

class BinCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override { write_bytes(directory / "config.json", small_config().dump()); }
  TemporaryFolder directory;
};

TEST_F(BinCheckpoint, OpensASingleFile) {
  fs::copy_file(golden / "state.bin", directory / "pytorch_model.bin");
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_EQ(checkpoint.tensors().size(), 10U);
  EXPECT_EQ(checkpoint.tensor("view").shape, (std::vector<int64_t>{3, 4}));
}

TEST_F(BinCheckpoint, OpensShardsByTheirIndex) {
  fs::copy_file(golden / "state.bin", directory / "pytorch_model-00001-of-00001.bin");
  nlohmann::json map;
  const nlohmann::json values = read_json_object(golden / "values.json");
  for (const auto& [name, ignored] : values.items()) {
    map[name] = "pytorch_model-00001-of-00001.bin";
  }
  write_bytes(directory / "pytorch_model.bin.index.json",
              nlohmann::json{{"weight_map", map}}.dump());
  EXPECT_EQ(Checkpoint::open(directory.path()).tensors().size(), 10U);
  map["missing"] = "pytorch_model-00001-of-00001.bin";
  write_bytes(directory / "pytorch_model.bin.index.json",
              nlohmann::json{{"weight_map", map}}.dump());
  EXPECT_THAT(data_error([&] { Checkpoint::open(directory.path()); }), HasSubstr("missing"));
}

TEST_F(BinCheckpoint, SafetensorsComeFirst) {
  fs::copy_file(golden / "evil/os_system.bin", directory / "pytorch_model.bin");
  write_bytes(directory / "model.safetensors", testing::one_vector("w", {1}));
  EXPECT_EQ(Checkpoint::open(directory.path()).tensors().size(), 1U);
}

}  // namespace
}  // namespace explaind
