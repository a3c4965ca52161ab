import type * as V21 from '../protocol/generated/v21.ts'
import type { DecidedBy, RegistrationStatus } from './decision.ts'
import type { DeviceTime, EventFacts, Evse, Integer, Open } from './model.ts'

/** What the gateway answered to a question, and who decided it. */
export interface AnswerGiven {
  readonly status: Open<'accepted' | 'rejected' | 'failed' | 'unknown_vendor_id' | 'unknown_message_id'>
  readonly rawStatus: string
  readonly decidedBy: Open<DecidedBy>
  /** What was answered beside the status, when the question carried data. */
  readonly data?: unknown
}

/** What the gateway answered to a BootNotification. */
export interface Registration {
  readonly status: Open<RegistrationStatus>
  /** Heartbeat interval, or when to try again, in seconds. */
  readonly intervalS: Integer
  readonly decidedBy: Open<DecidedBy>
}

/** The SIM card of a station's modem. */
export interface Modem {
  readonly iccid?: string
  readonly imsi?: string
}

/** The main meter of a 1.6 charge point. */
export interface Meter {
  readonly type?: string
  readonly serialNumber?: string
}

/** A charge point has started and asked to be registered. */
export interface ChargePointBooted extends EventFacts {
  readonly vendor: string
  readonly model: string
  readonly serialNumber?: string
  /** 1.6: the serial number of the charge box inside the charge point. */
  readonly chargeBoxSerialNumber?: string
  readonly firmwareVersion?: string
  readonly modem?: Modem
  readonly meter?: Meter
  /** Why it started. */
  readonly reason?: Open<
    | 'application_reset'
    | 'firmware_update'
    | 'local_reset'
    | 'power_up'
    | 'remote_reset'
    | 'scheduled_reset'
    | 'triggered'
    | 'unknown'
    | 'watchdog'
  >
  readonly rawReason?: string
  readonly registration: Registration
}

/** What a station says is wrong. */
export interface StationError {
  /** As the station said it. `NoError` when it only added words to a good status. */
  readonly code: string
  readonly info?: string
  readonly vendorId?: string
  readonly vendorErrorCode?: string
}

/** Whether something of a station can be used. */
interface StatusChanged extends EventFacts {
  readonly evse?: Evse
  readonly status: Open<'available' | 'occupied' | 'reserved' | 'unavailable' | 'faulted'>
  /** More than `status` tells, from versions that say it. */
  readonly detail?: Open<'preparing' | 'charging' | 'suspended_ev' | 'suspended_evse' | 'finishing'>
  readonly rawStatus: string
  readonly error?: StationError
  /** `NoError`, when the station said that and no more; `error` is absent then. */
  readonly rawErrorCode?: string
  readonly deviceTime?: DeviceTime
}

/** The availability of the station as a whole. */
export interface ChargePointStatusChanged extends StatusChanged {}

/** The availability of an EVSE. */
export interface EvseStatusChanged extends StatusChanged {}

/** The availability of a connector. */
export interface ConnectorStatusChanged extends StatusChanged {}

/** More about a status, from OCPP 2.x. */
export interface StatusInfo {
  readonly reasonCode: string
  readonly additionalInfo?: string
}

/** The progress of a firmware update, signed or not. */
export interface FirmwareStatusChanged extends EventFacts {
  readonly status: Open<
    | 'downloaded'
    | 'download_failed'
    | 'downloading'
    | 'download_scheduled'
    | 'download_paused'
    | 'idle'
    | 'installation_failed'
    | 'installing'
    | 'installed'
    | 'install_rebooting'
    | 'install_scheduled'
    | 'install_verification_failed'
    | 'invalid_signature'
    | 'signature_verified'
  >
  readonly rawStatus: string
  /** The request that this is about. */
  readonly requestId?: Integer
  readonly statusInfo?: StatusInfo
}

/** The progress of a local controller that publishes firmware to the stations behind it. */
export interface FirmwarePublicationStatusChanged extends EventFacts {
  readonly status: Open<
    | 'idle'
    | 'download_scheduled'
    | 'downloading'
    | 'downloaded'
    | 'published'
    | 'download_failed'
    | 'download_paused'
    | 'invalid_checksum'
    | 'checksum_verified'
    | 'publish_failed'
  >
  readonly rawStatus: string
  /** Where the stations can get it. */
  readonly locations?: readonly string[]
  readonly requestId?: Integer
  readonly statusInfo?: StatusInfo
}

/** The progress of an upload of diagnostics or of a log. */
export interface DiagnosticsStatusChanged extends EventFacts {
  readonly status: Open<
    | 'idle'
    | 'uploading'
    | 'uploaded'
    | 'upload_failed'
    | 'bad_message'
    | 'not_supported_operation'
    | 'permission_denied'
    | 'accepted_canceled'
  >
  readonly rawStatus: string
  readonly requestId?: Integer
  readonly statusInfo?: StatusInfo
}

/** Something that concerns the station's security. */
export interface SecurityEvent extends EventFacts {
  /** The security event of OCPP's list, in lower snake case. */
  readonly kind: Open<
    | 'firmware_updated'
    | 'failed_to_authenticate_at_csms'
    | 'csms_failed_to_authenticate'
    | 'setting_system_time'
    | 'startup_of_the_device'
    | 'reset_or_reboot'
    | 'security_log_was_cleared'
    | 'reconfiguration_of_security_parameters'
    | 'memory_exhaustion'
    | 'invalid_messages'
    | 'attempted_replay_attacks'
    | 'tamper_detection_activated'
    | 'invalid_firmware_signature'
    | 'invalid_firmware_signing_certificate'
    | 'invalid_csms_certificate'
    | 'invalid_charging_station_certificate'
    | 'invalid_tls_version'
    | 'invalid_tls_cipher_suite'
  >
  readonly rawKind: string
  readonly techInfo?: string
  readonly deviceTime: DeviceTime
}

/** A vendor's own message. */
export interface DataTransferReceived extends EventFacts {
  readonly vendorId: string
  readonly messageId?: string
  /** A string from 1.6, any JSON from 2.x. */
  readonly data?: unknown
  readonly answer: AnswerGiven
}

/** A station asks for a certificate or for the state of one. */
export interface CertificateRequested extends EventFacts {
  readonly request: Open<'sign' | 'ev_certificate' | 'status' | 'chain_status'>
  /** `sign`: the signing request, PEM. */
  readonly csr?: string
  readonly certificateType?: Open<'charging_station_certificate' | 'v2g_certificate' | 'v2g20_certificate'>
  readonly rawCertificateType?: string
  readonly hashRootCertificate?: V21.CertificateHashDataType
  readonly requestId?: Integer
  /** `ev_certificate`: what the EV asks by ISO 15118. */
  readonly iso15118SchemaVersion?: string
  readonly action?: Open<'install' | 'update'>
  readonly rawAction?: string
  /** Base64. */
  readonly exiRequest?: string
  readonly maximumContractCertificateChains?: Integer
  readonly prioritizedEmaids?: readonly string[]
  /** `status`: the certificate in question. */
  readonly ocspRequest?: V21.OCSPRequestDataType
  /** `chain_status`: the certificates in question. */
  readonly certificateStatusRequests?: readonly V21.CertificateStatusRequestInfoType[]
  /** Absent when the answer has no status as a whole. */
  readonly answer?: AnswerGiven
}

/** A reservation has ended without being used. */
export interface ReservationStatusChanged extends EventFacts {
  readonly reservationId: Integer
  readonly status: Open<'expired' | 'removed' | 'no_transaction'>
  readonly rawStatus: string
}
