# frozen_string_literal: true

require 'ffi'

module Versioner
  # The C library: finds it, checks its version, and names its functions.
  #
  # It is taken from the file that +VERSIONER_LIBRARY+ names, else from the gem (lib/versioner/native),
  # else from where the system finds libversioner.
  module Library
    extend FFI::Library

    PACKAGED = File.expand_path('native/libversioner.so', __dir__)
    SYSTEM = "libversioner.so.#{Header::ABI_VERSION}"
    private_constant :PACKAGED, :SYSTEM

    # @return [String] the file or name that is loaded
    def self.path
      named = ENV.fetch('VERSIONER_LIBRARY', '')
      return named unless named.empty?

      File.exist?(PACKAGED) ? PACKAGED : SYSTEM
    end

    begin
      ffi_lib path
    rescue ::LoadError => e
      raise LibraryError,
            "libversioner cannot be loaded from #{path}: install it (`make install`), or name its " \
            "file in VERSIONER_LIBRARY (#{e.message.lines.first&.strip})"
    end

    attach_function :versioner_version, [], :string
    attach_function :versioner_abi_version, [], :uint32
    unless versioner_abi_version == Header::ABI_VERSION
      raise LibraryError,
            "libversioner at #{path} is of ABI version #{versioner_abi_version} " \
            "(#{versioner_version}), but this gem needs #{Header::ABI_VERSION}"
    end

    attach_function :versioner_client_new, %i[pointer pointer pointer], :int32
    attach_function :versioner_client_free, [:pointer], :void
    attach_function :versioner_client_cancel, [:pointer], :void
    attach_function :versioner_track_build, %i[pointer pointer pointer], :int32, blocking: true
    attach_function :versioner_track_deployment, %i[pointer pointer pointer], :int32, blocking: true
    attach_function :versioner_result_json, [:pointer], :string
    attach_function :versioner_result_free, [:pointer], :void

    # Members for structs of {Header}.
    def self.struct(members)
      Class.new(FFI::Struct) { layout(*members.flat_map { |name, type| [name, type] }) }
    end
    private_class_method :struct

    Options = struct(Header::OPTIONS)
    BuildEvent = struct(Header::BUILD_EVENT)
    DeploymentEvent = struct(Header::DEPLOYMENT_EVENT)

    # Reads and frees a result.
    #
    # @param pointer [FFI::Pointer] to a versioner_result
    # @return [Result]
    def self.take(pointer)
      Result.parse(versioner_result_json(pointer).force_encoding(Encoding::UTF_8))
    ensure
      versioner_result_free(pointer)
    end
  end
end
