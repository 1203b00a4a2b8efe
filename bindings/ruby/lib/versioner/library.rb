# frozen_string_literal: true

require 'ffi'

module Versioner
  # The functions and structs of the C library, which is loaded from the file that
  # +VERSIONER_LIBRARY+ names, else from wherever the system finds libversioner.
  module Library
    extend FFI::Library

    begin
      LibraryFile.check_length
      ffi_lib LibraryFile.path
      attach_function :versioner_version, [], :string
      attach_function :versioner_abi_version, [], :uint32
      LibraryFile.check_version(versioner_abi_version, versioner_version)
      attach_function :versioner_client_new, %i[pointer pointer pointer], :int32
      attach_function :versioner_client_free, [:pointer], :void
      attach_function :versioner_track_build, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_track_deployment, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_check_deployment, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_explain_build, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_explain_deployment, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_read, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_state, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_deployed_version, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_begin, %i[pointer pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_prepare, %i[pointer pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_begin_build, %i[pointer pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_prepare_build, %i[pointer pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_resume, %i[pointer pointer pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_end, %i[pointer pointer pointer], :int32, blocking: true
      attach_function :versioner_span_renew, %i[pointer pointer], :int32, blocking: true
      attach_function :versioner_span_save, [:pointer], :string
      attach_function :versioner_span_id, [:pointer], :string
      attach_function :versioner_span_free, [:pointer], :void, blocking: true
      attach_function :versioner_span_drop, [:pointer], :bool
      attach_function :versioner_result_kind, [:pointer], :int32
      attach_function :versioner_result_json, [:pointer], :string
      attach_function :versioner_result_free, [:pointer], :void
    rescue FFI::NotFoundError => e
      raise LibraryFile.unusable("it is none of ours (#{e.message})")
    rescue ::LoadError => e
      raise e if e.is_a?(Error)

      raise LibraryFile.unusable(e.message.lines.first.to_s.strip)
    end

    # Members for structs of {Header}.
    def self.struct(members)
      Class.new(FFI::Struct) { layout(*members.flat_map { |name, type| [name, type] }) }
    end
    private_class_method :struct

    Options = struct(Header::OPTIONS)
    BuildEvent = struct(Header::BUILD_EVENT)
    DeploymentEvent = struct(Header::DEPLOYMENT_EVENT)
    Question = struct(Header::QUESTION)
    Ending = struct(Header::ENDING)

    # Reads and frees a result.
    #
    # @param pointer [FFI::Pointer] to a versioner_result
    # @return [String] its JSON
    def self.take(pointer)
      versioner_result_json(pointer).force_encoding(Encoding::UTF_8)
    ensure
      versioner_result_free(pointer)
    end
  end
end
