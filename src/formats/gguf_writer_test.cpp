#include "formats/gguf_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "formats/gguf.h"
#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

GgufKeys some_keys() {
  GgufKeys keys;
  keys.set("a.text", "héllo");
  keys.set("a.flag", true);
  keys.set("a.size", std::uint32_t{4000000000});
  keys.set("a.number", 0.1f);
  const std::vector<std::string> texts = {"x", "", "yz"};
  const std::vector<std::int32_t> numbers = {1, -2, 3};
  keys.set("a.texts", texts);
  keys.set("a.numbers", numbers);
  return keys;
}

Bytes floats(std::initializer_list<float> values) {
  return to_bytes(values);
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

TEST(GgufFileWriter, WhatItWritesIsRead) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  auto created = GgufFileWriter::create(
      path, some_keys(),
      {{"a.weight", {2, 3}, DType::kF32}, {"b.weight", {1}, DType::kF32}, {"c", {2}, DType::kF16}});
  ASSERT_TRUE(created.ok()) << created.error().message;
  GgufFileWriter writer = std::move(created).value();
  // In pieces of any size, but no piece in two tensors.
  const Bytes a = floats({1, 2, 3, 4, 5, 6});
  ASSERT_TRUE(writer.append(std::span(a).first(5)).ok());
  ASSERT_TRUE(writer.append(std::span(a).subspan(5)).ok());
  ASSERT_TRUE(writer.append(floats({7})).ok());
  ASSERT_TRUE(writer.append(to_bytes({std::uint16_t{0x3C00}, std::uint16_t{0xC000}})).ok());
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_EQ(writer.file_bytes(), std::filesystem::file_size(path));
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model.gguf"});

  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const GgufMetadata& metadata = file.value().metadata();
  EXPECT_EQ(metadata.get_string("a.text").value(), "héllo");
  EXPECT_TRUE(metadata.get_bool("a.flag").value());
  EXPECT_EQ(metadata.get_u64("a.size").value(), 4000000000u);
  EXPECT_EQ(metadata.get_f64("a.number").value(), static_cast<double>(0.1f));
  EXPECT_EQ(metadata.get_string_array("a.texts").value()[2], "yz");
  EXPECT_EQ(metadata.get_i64_array("a.numbers").value(), (std::vector<std::int64_t>{1, -2, 3}));
  const auto tensor = file.value().tensor("a.weight");
  ASSERT_TRUE(tensor.ok()) << tensor.error().message;
  EXPECT_EQ(tensor.value().shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(std::equal(a.begin(), a.end(), tensor.value().data.begin()));
  EXPECT_EQ(file.value().find_tensor("c")->dtype, DType::kF16);
}

TEST(GgufFileWriter, LeavesNothingIfItDoesNotFinish) {
  const TestFolder folder;
  {
    auto created = GgufFileWriter::create(folder.path() / "model.gguf", some_keys(),
                                          {{"a.weight", {8}, DType::kF32}});
    ASSERT_TRUE(created.ok());
    ASSERT_TRUE(created.value().append(floats({1, 2})).ok());
  }
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(GgufFileWriter, KeepsTheOldFileUntilTheNewOneIsWhole) {
  const TestFolder folder;
  const auto path = folder.write("model.gguf", "old");
  {
    auto created = GgufFileWriter::create(path, some_keys(), {{"a", {1}, DType::kF32}});
    ASSERT_TRUE(created.ok());
    EXPECT_EQ(std::filesystem::file_size(path), 3u);
    ASSERT_TRUE(created.value().append(floats({1})).ok());
    ASSERT_TRUE(created.value().finish().ok());
  }
  EXPECT_TRUE(GgufFile::open(path).ok());
}

TEST(GgufFileWriter, RefusesWhatTheDiskHasNoRoomFor) {
  const TestFolder folder;
  const auto created =
      GgufFileWriter::create(folder.path() / "model.gguf", some_keys(),
                             {{"a", {std::int64_t{1} << 30, std::int64_t{1} << 25}, DType::kF32}});
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, ErrorCode::kExhausted);
  EXPECT_NE(created.error().message.find("GB are needed"), std::string::npos);
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(GgufFileWriter, NamesThePathThatCannotBeWritten) {
  const TestFolder folder;
  const auto created = GgufFileWriter::create(folder.path() / "missing" / "model.gguf", some_keys(),
                                              {{"a", {1}, DType::kF32}});
  ASSERT_FALSE(created.ok());
  EXPECT_NE(created.error().message.find("missing/model.gguf"), std::string::npos);
}

TEST(GgufKeys, ValuesOfAnotherFileKeepTheirBits) {
  GgufWriter source;
  source.add_u8("u8", 200).add_i8("i8", -3).add_u16("u16", 60000).add_i16("i16", -300);
  source.add_u32("u32", 4000000000u).add_i32("i32", -70000).add_u64("u64", 1ull << 63);
  source.add_i64("i64", -(1ll << 40)).add_f32("f32", -0.0f).add_f64("f64", 1e300);
  source.add_bool("bool", true).add_string("text", std::string("a\0b", 3));
  source.add_string_array("texts", {"", "é"});
  source.add_array<float>("floats", GgufType::kFloat32, {1.5f, NAN});
  source.add_array<std::uint8_t>("bools", GgufType::kBool, {1, 0});
  const Bytes bytes = source.bytes();
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  GgufKeys keys;
  for (const auto& [key, value] : file.value().metadata().entries()) keys.set(key, value);
  // All that stands behind the header of 24 bytes.
  const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_EQ(keys.bytes(), whole.substr(24));
}

TEST(GgufKeys, SettingAKeyAgainReplacesItsValueInPlace) {
  GgufKeys keys;
  keys.set("first", "text");
  keys.set("second", true);
  keys.set("first", std::uint32_t{7});
  EXPECT_EQ(keys.size(), 2u);
  GgufKeys expected;
  expected.set("first", std::uint32_t{7});
  expected.set("second", true);
  EXPECT_EQ(keys.bytes(), expected.bytes());
}

}  // namespace
}  // namespace sputnik
