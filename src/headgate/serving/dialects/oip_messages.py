"""The messages of the Open Inference Protocol over gRPC, with what Triton adds to them; needs the extra grpc.

They are declared here and built when this is imported: nothing is generated. They live in a pool of their own, for a
process may hold only one file of a name in the common one. Of `ModelConfig` only what we can tell is declared: clients
with all of it read the rest as not set.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "inference"
FILE = "grpc_service.proto"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
_PARAMETERS = "map InferParameter"
_NAMED = {"name": "1 string", "version": "2 string"}
_TENSOR = {
    "name": "1 string", "datatype": "2 string", "shape": "3 repeated int64", "parameters": f"4 {_PARAMETERS}",
    "contents": "5 InferTensorContents",
}  # fmt: skip
_REPOSITORY = {"repository_name": "1 string", "model_name": "2 string", "parameters": "3 map ModelRepositoryParameter"}
# message → field → its number, repeated or map where it is, and its type; a dot stands before a nested message
MESSAGES: dict[str, dict[str, str]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": "1 bool"},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": "1 bool"},
    "ModelReadyRequest": _NAMED,
    "ModelReadyResponse": {"ready": "1 bool"},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": "1 string", "version": "2 string", "extensions": "3 repeated string"},
    "ModelMetadataRequest": _NAMED,
    "ModelMetadataResponse.TensorMetadata": {"name": "1 string", "datatype": "2 string", "shape": "3 repeated int64"},
    "ModelMetadataResponse": {
        "name": "1 string", "versions": "2 repeated string", "platform": "3 string",
        "inputs": "4 repeated ModelMetadataResponse.TensorMetadata",
        "outputs": "5 repeated ModelMetadataResponse.TensorMetadata",
    },
    "InferParameter": {
        "bool_param": "1 oneof bool", "int64_param": "2 oneof int64", "string_param": "3 oneof string",
        "double_param": "4 oneof double", "uint64_param": "5 oneof uint64",
    },
    "InferTensorContents": {
        "bool_contents": "1 repeated bool", "int_contents": "2 repeated int32", "int64_contents": "3 repeated int64",
        "uint_contents": "4 repeated uint32", "uint64_contents": "5 repeated uint64",
        "fp32_contents": "6 repeated float", "fp64_contents": "7 repeated double",
        "bytes_contents": "8 repeated bytes",
    },
    "ModelInferRequest.InferInputTensor": _TENSOR,
    "ModelInferRequest.InferRequestedOutputTensor": {"name": "1 string", "parameters": f"2 {_PARAMETERS}"},
    "ModelInferRequest": {
        "model_name": "1 string", "model_version": "2 string", "id": "3 string", "parameters": f"4 {_PARAMETERS}",
        "inputs": "5 repeated ModelInferRequest.InferInputTensor",
        "outputs": "6 repeated ModelInferRequest.InferRequestedOutputTensor",
        "raw_input_contents": "7 repeated bytes",
    },
    "ModelInferResponse.InferOutputTensor": _TENSOR,
    "ModelInferResponse": {
        "model_name": "1 string", "model_version": "2 string", "id": "3 string", "parameters": f"4 {_PARAMETERS}",
        "outputs": "5 repeated ModelInferResponse.InferOutputTensor", "raw_output_contents": "6 repeated bytes",
    },
    "ModelStreamInferResponse": {"error_message": "1 string", "infer_response": "2 ModelInferResponse"},
    "ModelConfigRequest": _NAMED,
    "ModelInput": {"name": "1 string", "data_type": "2 int32", "dims": "4 repeated int64"},
    "ModelOutput": {"name": "1 string", "data_type": "2 int32", "dims": "3 repeated int64"},
    "ModelConfig": {
        "name": "1 string", "platform": "2 string", "max_batch_size": "4 int32", "input": "5 repeated ModelInput",
        "output": "6 repeated ModelOutput", "backend": "17 string",
    },
    "ModelConfigResponse": {"config": "1 ModelConfig"},
    "ModelRepositoryParameter": {
        "bool_param": "1 oneof bool", "int64_param": "2 oneof int64", "string_param": "3 oneof string",
        "bytes_param": "4 oneof bytes",
    },
    "RepositoryIndexRequest": {"repository_name": "1 string", "ready": "2 bool"},
    "RepositoryIndexResponse.ModelIndex": {
        "name": "1 string", "version": "2 string", "state": "3 string", "reason": "4 string",
    },
    "RepositoryIndexResponse": {"models": "1 repeated RepositoryIndexResponse.ModelIndex"},
    "RepositoryModelLoadRequest": _REPOSITORY,
    "RepositoryModelLoadResponse": {},
    "RepositoryModelUnloadRequest": _REPOSITORY,
    "RepositoryModelUnloadResponse": {},
}  # fmt: skip
UNARY = (
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer", "ModelConfig",
    "RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload",
)  # fmt: skip
STREAM = "ModelStreamInfer"  # takes and answers many


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name=FILE, package=PACKAGE, syntax="proto3")
    found: dict[str, DescriptorProto] = {}
    # a message stands before those nested in it
    for name in sorted(MESSAGES):
        outer, _, inner = name.rpartition(".")
        place = found[outer].nested_type if outer else file.message_type
        found[name] = place.add(name=inner)
        for field, declared in MESSAGES[name].items():
            _declare(found[name], name, field, declared)
    service = file.service.add(name=SERVICE.rpartition(".")[2])
    for method in UNARY:
        service.method.add(name=method, input_type=_full(f"{method}Request"), output_type=_full(f"{method}Response"))
    service.method.add(
        name=STREAM,
        input_type=_full("ModelInferRequest"),
        output_type=_full("ModelStreamInferResponse"),
        client_streaming=True,
        server_streaming=True,
    )
    return file


def _declare(message: DescriptorProto, name: str, field: str, declared: str) -> None:
    number, *how, kind = declared.split()
    label = "LABEL_REPEATED" if how in (["repeated"], ["map"]) else "LABEL_OPTIONAL"
    made = message.field.add(name=field, number=int(number), label=getattr(FieldDescriptorProto, label))
    if how == ["oneof"]:
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        made.oneof_index = 0
    if how == ["map"]:
        entry = message.nested_type.add(name="ParametersEntry")
        entry.options.map_entry = True
        _declare(entry, "", "key", "1 string")
        _declare(entry, "", "value", f"2 {kind}")
        kind = f"{name}.ParametersEntry"
    if kind[0].isupper():
        made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, _full(kind)
    else:
        made.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")


def _full(name: str) -> str:
    return f".{PACKAGE}.{name}"


POOL = DescriptorPool()
POOL.Add(_file())


def message(name: str) -> Any:
    """The class of a message."""
    return GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
