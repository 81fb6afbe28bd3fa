"""What can be wrong with a request for a proof. Every message is a sentence that says what to do."""


class ProofError(Exception):
    """Base of the engine's errors."""


class UnreadableCheckpoint(ProofError):
    """The file is not a well-formed safetensors file."""


class UnsupportedModel(ProofError):
    """The file is readable, but the theory does not cover the model in it."""


class NotApplicable(ProofError):
    """The strategy does not cover this model. Not a failure: another strategy may."""


class InvalidHints(ProofError):
    """The untrusted half of a proof handed over something that the check must not use."""


class CheckRefused(ProofError):
    """A strategy's check claimed something impossible. Nothing is claimed; this is a bug to report."""


class NotReproduced(ProofError):
    """An engine of another version proved more of a block than this one does: neither confirmed nor refused."""


class InvalidCertificate(ProofError):
    """The bytes are not a certificate that this engine can use."""
