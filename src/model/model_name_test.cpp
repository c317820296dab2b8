#include "model/model_name.h"

#include <gtest/gtest.h>

namespace sputnik {
namespace {

TEST(ModelName, KnowsDistillsByTheirNames) {
  for (const char* name : {"DeepSeek-R1-Distill-Qwen-7B", "DeepSeek R1 Distill Qwen 1.5B",
                           "deepseek-r1", "R1", "DeepSeekR1-7b", "my_r1.finetune"})
    EXPECT_TRUE(is_distill("qwen2", name)) << name;
  for (const char* name : {"Qwen2.5-7B-Instruct", "Llama-3-R128", "gr1d", "QwQ-R10", ""})
    EXPECT_FALSE(is_distill("llama", name)) << name;
}

TEST(ModelName, NeverCallsR1ItselfADistill) {
  EXPECT_FALSE(is_distill("deepseek_v3", "DeepSeek-R1"));
}

TEST(ModelName, GivesADistillThatClaimsToBeR1ItsOwnName) {
  EXPECT_EQ(distill_name("qwen2", "DeepSeek-R1-7B"), "DeepSeek-R1-Distill-Qwen-7B");
  EXPECT_EQ(distill_name("llama", "DeepSeek R1"), "DeepSeek R1 Distill Llama");
  EXPECT_EQ(distill_name("qwen2", "deepseek-r1:7b"), "deepseek-r1-Distill-Qwen:7b");
  EXPECT_EQ(distill_name("qwen2", "DeepSeek-R1-Distill-Qwen-7B"), "DeepSeek-R1-Distill-Qwen-7B");
}

TEST(ModelName, IsThatOfTheFolder) {
  EXPECT_EQ(model_name_of_folder("/models/Qwen2.5-7B/"), "Qwen2.5-7B");
  EXPECT_EQ(model_name_of_folder("/hub/models--deepseek-ai--DeepSeek-R1-Distill-Qwen-7B/snapshots/"
                                 "916b56a44061fd5cd7d6a8fb632557ed4f724f60"),
            "DeepSeek-R1-Distill-Qwen-7B");
}

}  // namespace
}  // namespace sputnik
