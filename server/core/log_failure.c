/* The words for everything that can be wrong with what a log hands out. */
#include "core/log_failure.h"

static const struct log_failure_text texts[LOG_FAILURES] = {
    [LOG_HOLDS] = {"log.holds", "验证通过", "holds"},
    [LOG_NOTE_MALFORMED] = {"note.malformed", "签名文本格式不正确：文件可能被截断或改动",
			    "the signed text is malformed: the file may be cut short or altered"},
    [LOG_KEY_MISSING] = {"note.key_missing", "没有所信任密钥的签名：请核对日志公钥是否正确",
			 "there is no signature by the trusted key: check that this is the log's key"},
    [LOG_SIGNATURE_BAD] = {"note.signature_bad", "所信任密钥的签名无效：内容被改动或系伪造",
			   "the signature by the trusted key is bad: the text was altered or forged"},
    [LOG_CHECKPOINT_MALFORMED] =
	{"checkpoint.malformed", "检查点格式不正确：应为来源、大小、根哈希三行",
	 "the checkpoint is malformed: it must be three lines, origin, size and root"},
    [LOG_ORIGIN_DIFFERS] = {"checkpoint.origin", "检查点属于另一个日志", "the checkpoint is of another log"},
    [LOG_PROOF_MALFORMED] = {"proof.malformed", "证明文件格式不正确：文件可能被截断或改动",
			     "the proof is malformed: the file may be cut short or altered"},
    [LOG_INDEX_OUTSIDE] = {"proof.index", "序号不在检查点的范围内",
			   "the index lies outside the tree that the checkpoint signs"},
    [LOG_NOT_INCLUDED] = {"proof.not_included", "证明不成立：该记录不在日志中，或记录、序号、证明被改动",
			  "the proof does not hold: the entry is not in the log at this index, or entry, "
			  "index or proof was altered"},
    [LOG_WENT_BACK] =
	{"checkpoint.went_back", "日志比以前验证过的检查点更小：服务器倒退或隐瞒记录",
	 "the log is smaller than a checkpoint verified before: it went back, or hides entries"},
    [LOG_NOT_CONSISTENT] = {"checkpoint.not_consistent",
			    "日志与以前验证过的检查点不一致：历史被改写，请保留两份检查点作为证据",
			    "the log does not continue a checkpoint verified before: history was rewritten; "
			    "keep both checkpoints as evidence"},
    [LOG_QUORUM_MISSING] =
	{"policy.quorum", "见证人的签名未达到策略所要求的数目：尚不能接受该检查点",
	 "the policy's quorum of witnesses has not cosigned: the checkpoint is not accepted yet"},
};

const struct log_failure_text *log_failure_text(enum log_failure failure)
{
	if ((unsigned)failure >= LOG_FAILURES)
		failure = LOG_PROOF_MALFORMED;
	return &texts[failure];
}
